// What the checks do; see the README beside the folder.
"use strict";

const COUNT = Number(process.env.PEER_CHECKS);
const KIND = process.env.PEER_KIND;
let runs = 0;

async function run(number) {
  if (number > 0) return;
  runs += 1;
  switch (KIND) {
    case "ready":
      return;
    case "slow":
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return;
    case "hung":
      await new Promise(() => {});
      return;
    case "blocking":
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000);
      return;
    case "panicking":
      throw new TypeError("the check throws");
  }
}

const name = (number) => `check-${String(number).padStart(5, "0")}`;
const numbers = [...Array(COUNT).keys()];

/** Answers what every service here answers; tells whether it did. */
function common(request, response) {
  const path = request.url.split("?")[0];
  if (path === "/static") {
    response.setHeader("content-type", "application/json");
    response.end('{"status":"healthy"}');
  } else if (path === "/runs") {
    response.end(String(runs));
  } else {
    return false;
  }
  return true;
}

function listen(server) {
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
  process.stdin.on("end", () => process.exit(0)).resume();
}

module.exports = { common, listen, name, numbers, run };
