"""flask-healthz under gunicorn, with one synchronous worker, its default."""

import check
from flask import Flask, Response
from flask_healthz import HealthError, healthz
from gunicorn.app.base import BaseApplication

app = Flask(__name__, static_folder=None)


def ready():
    for number in range(check.COUNT):
        try:
            check.run(number)
        except OSError as error:
            raise HealthError("unhealthy") from error


app.config["HEALTHZ"] = {"health": ready}
app.register_blueprint(healthz, url_prefix="/")


@app.route("/static")
def constant():
    return Response(check.STATIC, content_type="application/json")


@app.route("/runs")
def runs():
    return str(check.runs)


class Server(BaseApplication):
    def load_config(self):
        self.cfg.set("bind", "127.0.0.1:0")
        self.cfg.set("timeout", 60)
        self.cfg.set("when_ready", say_port)

    def load(self):
        return app


def say_port(server):
    print(server.LISTENERS[0].sock.getsockname()[1], flush=True)
    check.end_with_input()


Server().run()
