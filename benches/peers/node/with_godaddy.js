// godaddy/terminus: one function that runs every check.
"use strict";

const http = require("node:http");
const { createTerminus } = require("@godaddy/terminus");
const { common, listen, name, numbers, run } = require("./check");

async function health() {
  const outcomes = await Promise.all(
    numbers.map(async (number) => [name(number), await run(number)]),
  );
  return Object.fromEntries(outcomes.map(([name]) => [name, "ok"]));
}

const server = http.createServer((request, response) => {
  if (!common(request, response)) {
    response.statusCode = 404;
    response.end();
  }
});
createTerminus(server, { healthChecks: { "/health": health } });
listen(server);
