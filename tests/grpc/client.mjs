// Calls grpc.health.v1 with the client of grpc-js; run by tests/tests/grpc.rs.

import { createRequire } from 'node:module';
import grpc from '@grpc/grpc-js';

const require = createRequire(import.meta.url);
const { protoPath } = require('grpc-health-check');
const loader = createRequire(require.resolve('grpc-health-check'))('@grpc/proto-loader');

const options = { enums: String, keepCase: true, defaults: true };
const definition = grpc.loadPackageDefinition(loader.loadSync(protoPath, options));
const client = new definition.grpc.health.v1.Health(
  process.argv[2],
  grpc.credentials.createInsecure(),
);
const code = (error) => grpc.status[error.code];
const call = (method, request) =>
  new Promise((done) => {
    const deadline = Date.now() + 5_000;
    client[method](request, { deadline }, (error, answer) => done({ error, answer }));
  });

for (const service of ['', 'liveness', 'orders.v1.Orders', 'nobody']) {
  const { error, answer } = await call('Check', { service });
  console.log('check', service, error ? code(error) : answer.status);
}
if (client.List) {
  const { answer } = await call('List', {});
  console.log('list', ...Object.keys(answer.statuses).filter(Boolean).sort());
} else {
  console.log('list', 'is', 'not', 'known');
}
const watch = client.Watch({ service: '' });
watch.on('data', ({ status }) => console.log('watch', status));
watch.on('error', (error) => {
  console.log('end', code(error));
  client.close();
});
