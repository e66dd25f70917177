import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { attributeWords, logSubject, type SubjectFacts } from "../../../../src/base/logging/subject.ts";

const FACTS: SubjectFacts = {
  containerId: "0123456789abcdef".repeat(4),
  containerName: "web",
  imageId: `sha256:${"fedcba9876543210".repeat(4)}`,
  imageName: "nginx:1",
  created: "2026-01-02T03:04:05Z",
  entrypoint: "/bin/sh",
  args: ["-c", "true"],
  labels: { app: "shop", "com.example.tier": "front" },
  env: ["STAGE=prod", "EMPTY=", "A=b=c"],
  hostname: "host",
};
const subject = (driver: string, options: Record<string, string>): ReturnType<typeof logSubject> =>
  logSubject(driver, options, FACTS);

describe("what a log's messages say of its container", () => {
  it("is a tag by a template", () => {
    assert.equal(subject("syslog", {}).tag, "0123456789ab");
    const tag = "{{.ImageName}}/{{.Name}}/{{.ID}} {{.ImageID}} {{.DaemonName}} {{.Command}}";
    assert.equal(subject("fluentd", { tag }).tag, "nginx:1/web/0123456789ab fedcba987654 docker /bin/sh -c true");
    assert.equal(subject("fluentd", { tag: "{{.FullID}}" }).tag, FACTS.containerId);
    assert.throws(() => subject("syslog", { tag: "{{.Nope}}" }), {
      message: `template: log-tag:1:2: executing "log-tag" at <.Nope>: can't evaluate field Nope in type *logger.Info`,
    });
    assert.throws(() => subject("syslog", { tag: "{{" }), { message: "template: log-tag:1: unclosed action" });
  });

  it("is the labels and variables that were asked for", () => {
    assert.deepEqual(subject("syslog", { labels: "app,none", env: "A,EMPTY" }).attributes, {
      app: "shop",
      A: "b=c",
      EMPTY: "",
    });
    assert.deepEqual(subject("syslog", { "labels-regex": "^com\\.", "env-regex": "(?i)^st" }).attributes, {
      "com.example.tier": "front",
      STAGE: "prod",
    });
    assert.throws(() => subject("syslog", { "env-regex": "(" }), {
      message: "error parsing regexp: missing closing ): `(`",
    });
  });

  it("has the tag among the attributes of json-file, if one was asked for", () => {
    assert.deepEqual(subject("json-file", {}).attributes, {});
    assert.deepEqual(subject("json-file", { tag: "{{.Name}}" }).attributes, { tag: "web" });
    assert.deepEqual(subject("syslog", { tag: "{{.Name}}" }).attributes, {});
  });

  it("is escaped and sorted for docker logs --details", () => {
    assert.equal(attributeWords({ b: "x y=z", E: "v,1", a: "1" }), "E=v%2C1,a=1,b=x+y%3Dz");
    assert.equal(attributeWords({}), "");
  });
});
