"""Calls grpc.health.v1 with the client of grpcio; run by tests/tests/grpc.rs."""

import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

STATUS = health_pb2.HealthCheckResponse.ServingStatus


def say(*words):
    print(*words, flush=True)


def main(address):
    stub = health_pb2_grpc.HealthStub(grpc.insecure_channel(address))
    for service in ["", "liveness", "orders.v1.Orders", "nobody"]:
        request = health_pb2.HealthCheckRequest(service=service)
        try:
            answer = stub.Check(request, timeout=5)
            say("check", service, STATUS.Name(answer.status))
        except grpc.RpcError as error:
            say("check", service, error.code().name)
    listed = stub.List(health_pb2.HealthListRequest(), timeout=5).statuses
    say("list", *sorted(name for name in listed if name))
    try:
        for answer in stub.Watch(health_pb2.HealthCheckRequest(service="")):
            say("watch", STATUS.Name(answer.status))
        say("end OK")
    except grpc.RpcError as error:
        say("end", error.code().name)


main(sys.argv[1])
