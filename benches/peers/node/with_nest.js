// NestJS Terminus on Express, without the decorators' syntax.
"use strict";

require("reflect-metadata");
const { Controller, Get, Inject, Module } = require("@nestjs/common");
const { NestFactory } = require("@nestjs/core");
const { HealthCheckService, HealthIndicatorService, TerminusModule } = require("@nestjs/terminus");
const { common, listen, name, numbers, run } = require("./check");

class HealthController {
  constructor(health, indicators) {
    this.health = health;
    this.indicators = indicators;
  }

  check() {
    return this.health.check(
      numbers.map((number) => async () => {
        await run(number);
        return this.indicators.check(name(number)).up();
      }),
    );
  }
}
Inject(HealthCheckService)(HealthController, undefined, 0);
Inject(HealthIndicatorService)(HealthController, undefined, 1);
const check = Object.getOwnPropertyDescriptor(HealthController.prototype, "check");
Get()(HealthController.prototype, "check", check);
Controller("health")(HealthController);

class AppModule {}
Module({ imports: [TerminusModule], controllers: [HealthController] })(AppModule);

async function main() {
  const app = await NestFactory.create(AppModule, { logger: false });
  app.use((request, response, next) => {
    if (!common(request, response)) next();
  });
  await app.init();
  listen(app.getHttpServer());
}

main();
