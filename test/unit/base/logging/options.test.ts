import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logKeeping } from "../../../../src/base/logging/keeping.ts";
import { mergeLogConfig, validateLogOptions } from "../../../../src/base/logging/options.ts";

const MB = 1024 * 1024;
const GELF = "udp://127.0.0.1:12201";

describe("log options", () => {
  /** The words are those of a dockerd. */
  const refused: [driver: string, options: Record<string, string>, message: string][] = [
    ["foo", {}, 'error looking up logging plugin foo: plugin "foo" not found'],
    ["json-file", { x: "1" }, "unknown log opt 'x' for json-file log driver"],
    ["local", { labels: "a" }, "unknown log opt 'labels' for log driver local"],
    ["syslog", { x: "1" }, "unknown log opt 'x' for syslog log driver"],
    ["json-file", { mode: "foo" }, "logger: logging mode not supported: foo"],
    [
      "json-file",
      { "max-buffer-size": "1m" },
      "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
    ],
    [
      "json-file",
      { mode: "non-blocking", "max-buffer-size": "zz" },
      "error parsing option max-buffer-size: invalid size: 'zz'",
    ],
    ["json-file", { "cache-disabled": "x" }, "invalid value for option cache-disabled: x"],
    ["syslog", { "syslog-address": "foo://bar" }, "unsupported scheme: 'foo'"],
    ["syslog", { "syslog-format": "x" }, "Invalid syslog format"],
    ["syslog", { "syslog-facility": "24" }, "invalid syslog facility"],
    ["syslog", { "syslog-facility": "x" }, "invalid syslog facility"],
    ["fluentd", { "fluentd-address": "foo://x" }, "invalid fluentd-address (foo://x): unsupported scheme: 'foo'"],
    [
      "fluentd",
      { "fluentd-address": "tcp://x/y" },
      "invalid fluentd-address (tcp://x/y): should not contain a path element",
    ],
    ["fluentd", { "fluentd-async": "x" }, 'strconv.ParseBool: parsing "x": invalid syntax'],
    ["fluentd", { "fluentd-retry-wait": "x" }, 'time: invalid duration "x"'],
    ["fluentd", { "fluentd-max-retries": "x" }, 'strconv.ParseUint: parsing "x": invalid syntax'],
    ["fluentd", { "fluentd-buffer-limit": "x" }, "invalid size: 'x'"],
    ["gelf", {}, "gelf-address is a required parameter"],
    ["gelf", { "gelf-address": "udp://127.0.0.1" }, "gelf: please provide gelf-address as proto://host:port"],
    [
      "gelf",
      { "gelf-address": GELF, "gelf-compression-type": "x" },
      'unknown value "x" for log opt "gelf-compression-type" for gelf log driver',
    ],
    ["gelf", { "gelf-address": "tcp://h:1", "gelf-compression-level": "1" }, "compression is only supported on UDP"],
  ];
  for (const [driver, options, message] of refused) {
    it(`of ${driver}: ${message}`, () => {
      assert.throws(() => validateLogOptions(driver, options), { message });
    });
  }

  it("that a start refuses, in a dockerd's words", () => {
    const words: [driver: string, options: Record<string, string>, message: string][] = [
      ["json-file", { "max-size": "abc" }, "invalid size: 'abc'"],
      ["json-file", { "max-size": "0" }, "max-size must be a positive number"],
      ["json-file", { "max-file": "0" }, "max-file cannot be less than 1"],
      ["json-file", { "max-file": "x" }, 'strconv.Atoi: parsing "x": invalid syntax'],
      [
        "json-file",
        { compress: "true" },
        "compress cannot be true when max-file is less than 2 or max-size is not set",
      ],
      ["local", { "max-size": "abc" }, "invalid value for max-size: abc: invalid size: 'abc'"],
      ["local", { "max-file": "1" }, "compression cannot be enabled when max file count is 1"],
      ["local", { compress: "x" }, 'error reading compress log option: strconv.ParseBool: parsing "x": invalid syntax'],
    ];
    for (const [driver, options, message] of words) {
      validateLogOptions(driver, options);
      assert.throws(() => logKeeping(driver, options), { message });
    }
  });

  it("say how much is kept", () => {
    const usual = { maxSize: 20 * MB, maxFiles: 5, readable: true };
    assert.deepEqual(logKeeping("json-file", {}), { ...usual, compress: false });
    assert.deepEqual(logKeeping("local", {}), { ...usual, compress: true });
    assert.deepEqual(logKeeping("syslog", {}), { ...usual, compress: true });
    assert.equal(logKeeping("syslog", { "cache-disabled": "true" }).readable, false);
    // as Docker: one file where only its size is said, and in powers of ten
    assert.deepEqual(logKeeping("json-file", { "max-size": "10m" }), {
      maxSize: 10_000_000,
      maxFiles: 1,
      compress: false,
      readable: true,
    });
    assert.equal(logKeeping("local", { "max-size": "10m" }).maxSize, 10 * MB);
  });

  it("of the engine hold for its own driver; those of the cache for all", () => {
    const defaults = { driver: "syslog", options: { "syslog-facility": "local1", "cache-max-file": "2" } };
    assert.deepEqual(mergeLogConfig(undefined, defaults), { Type: "syslog", Config: defaults.options });
    assert.deepEqual(mergeLogConfig({ Type: "", Config: { "syslog-facility": "user" } }, defaults), {
      Type: "syslog",
      Config: { "syslog-facility": "user", "cache-max-file": "2" },
    });
    assert.deepEqual(mergeLogConfig({ Type: "journald" }, defaults), {
      Type: "journald",
      Config: { "cache-max-file": "2" },
    });
    assert.deepEqual(mergeLogConfig({ Type: "none" }, defaults), { Type: "none", Config: {} });
  });
});
