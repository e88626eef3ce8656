import assert from "node:assert/strict";
import { test } from "node:test";
import { configurationProperties, parseSettings } from "../../protocol/settings.ts";

const { settings: defaults } = parseSettings(undefined);

test("without anything given, every setting has its default", () => {
  const properties = configurationProperties();
  assert.deepEqual(
    Object.fromEntries(Object.entries(properties).map(([name, { default: value }]) => [name, value])),
    Object.fromEntries(Object.entries(defaults).map(([name, value]) => [`spanfill.${name}`, value])),
  );
  assert.deepEqual(parseSettings(null), { settings: defaults, problems: [] });
});

test("settings are read nested, as VS Code gives them, and with dots", () => {
  const wanted = { ...defaults, "inlineCompletion.enabled": false, "inlineCompletion.length": "word", threads: 2 };
  const nested = { inlineCompletion: { enabled: false, length: "word" }, threads: 2, trace: { server: "off" } };
  assert.deepEqual(parseSettings(nested), { settings: wanted, problems: [] });
  const dotted = { "inlineCompletion.enabled": false, inlineCompletion: { length: "word" }, threads: 2 };
  assert.deepEqual(parseSettings(dotted), { settings: wanted, problems: [] });
});

test("a wrong value is named and its default stands in; the others count", () => {
  const { settings, problems } = parseSettings({
    threads: -1,
    gapMarker: "",
    inlineCompletion: "on",
    precision: "float32",
  });
  assert.deepEqual(settings, { ...defaults, precision: "float32" });
  assert.equal(problems.length, 2);
  assert.match(problems[0] ?? "", /^spanfill\.threads is -1 \(.*\); 0 is used instead\.$/);
  assert.match(problems[1] ?? "", /^spanfill\.gapMarker is "" .*"___"/);
});

test("every setting says its type, default and meaning, and where it may be set", () => {
  for (const [name, property] of Object.entries(configurationProperties())) {
    assert.match(name, /^spanfill\.[a-z]/);
    const { type, default: value, description, scope = "window" } = property;
    assert.ok(["string", "number", "integer", "boolean", "object", "array"].includes(String(type)), name);
    assert.notEqual(value, undefined, name);
    assert.match(String(description), /^[A-Z].*\.$/, name);
    assert.ok(["window", "resource", "language-overridable", "machine-overridable"].includes(String(scope)), name);
    const { enum: choices, enumDescriptions } = property as { enum?: string[]; enumDescriptions?: string[] };
    if (choices !== undefined && name !== "spanfill.logLevel")
      assert.equal(enumDescriptions?.length, choices.length, name);
  }
});
