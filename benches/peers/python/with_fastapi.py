"""FastAPI under uvicorn, by hand: every request runs every check, together, within a timeout."""

import asyncio
import socket

import check
import uvicorn
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, PlainTextResponse

app = FastAPI()


async def run(number):
    if number > 0:
        return
    check.begin()
    if check.KIND == "slow":
        await asyncio.sleep(1)
    elif check.KIND == "hung":
        await asyncio.Event().wait()
    elif check.KIND == "blocking":
        check.time.sleep(5)
    elif check.KIND == "panicking":
        raise RuntimeError("the check panics")


async def outcome(number):
    try:
        await asyncio.wait_for(run(number), timeout=2)
    except (OSError, asyncio.TimeoutError):
        return check.name(number), "error"
    return check.name(number), "ok"


@app.get("/health")
async def health():
    outcomes = await asyncio.gather(*(outcome(number) for number in range(check.COUNT)))
    healthy = all(status == "ok" for _, status in outcomes)
    body = {
        "status": "healthy" if healthy else "unhealthy",
        "checks": {name: {"status": status} for name, status in outcomes},
    }
    return JSONResponse(body, status_code=200 if healthy else 503)


@app.get("/static")
async def constant():
    return Response(check.STATIC, media_type="application/json")


@app.get("/runs")
async def runs():
    return PlainTextResponse(str(check.runs))


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 0))
listener.listen(2048)
print(listener.getsockname()[1], flush=True)
check.end_with_input()
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
