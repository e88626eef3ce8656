import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../../models/t5/config.ts";
import { leftOvers, longLayout, windowBuckets, windowMask } from "../../models/t5/long/layout.ts";
import { longFeeds } from "../../server/engine/runtime/long-feeds.ts";

const configOf = (more: object = {}) =>
  parseConfig({
    ...{ model_type: "longt5", vocab_size: 90, d_model: 16, d_ff: 24, d_kv: 8, num_heads: 2, num_layers: 2 },
    ...{ local_radius: 7, ...more },
  });
const layoutOf = (config: ReturnType<typeof configOf>, ...lengths: number[]) =>
  longLayout(config, lengths) ?? assert.fail("no blocks");
const global = configOf({ encoder_attention_type: "transient-global", global_block_size: 4 });

test("a text shorter than two blocks is one, without padding; longer ones are padded by less than a token a block", () => {
  for (const length of [1, 7, 8, 9, 15]) assert.deepEqual(shapeOf(length), [1, length]);
  assert.deepEqual([16, 17, 35, 64, 1000].map(shapeOf), [
    [2, 8],
    [2, 9],
    [4, 9],
    [8, 8],
    [125, 8],
  ]);
  for (let length = 1; length < 500; length += 1) {
    const { blocks, tokens } = layoutOf(configOf(), length);
    assert.ok(tokens >= length && tokens - length < blocks, `${length}`);
  }

  function shapeOf(length: number): number[] {
    const { blocks, length: each } = layoutOf(configOf(), length);
    return [blocks, each];
  }
});

test("blocks hold whole global tokens, and those at least the radius", () => {
  for (let length = 1; length < 300; length += 1) {
    const { blocks, length: each, globals } = layoutOf(global, length);
    assert.equal(each % 4, 0);
    assert.equal(globals * 4, blocks * each);
    assert.ok(blocks === 1 || each >= 7);
  }
});

test("a window holds the keys within the radius, of the text only", () => {
  const config = configOf();
  const layout = layoutOf(config, 18, 5);
  const { blocks, length } = layout; // 2 of 9
  const mask = new Float32Array(2 * blocks * 3 * length);
  windowMask(layout, mask);
  const seen = (row: number, block: number) =>
    [...mask.subarray((row * blocks + block) * 27, (row * blocks + block + 1) * 27)].map((value) =>
      Number(value === 0),
    );
  assert.deepEqual(seen(0, 0), [...Array(9).fill(0), ...Array(18).fill(1)]);
  assert.deepEqual(seen(0, 1), [...Array(18).fill(1), ...Array(9).fill(0)]);
  assert.deepEqual(seen(1, 1), [...Array(5).fill(1), ...Array(22).fill(0)]);
  const buckets = windowBuckets(config, layout);
  assert.deepEqual(
    [...buckets.keys()].filter((i) => (buckets[i] ?? -1) >= 0).map((i) => i - 17),
    [-7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7],
  );
});

test("tokens left over are in the last full global token of their row", () => {
  const layout = layoutOf(global, 23, 3, 8);
  const carried = new Float32Array(3 * layout.globals);
  leftOvers(global, layout, carried);
  const places = [...carried.keys()].filter((i) => carried[i] === 1);
  assert.deepEqual(places, [4]); // 23 tokens: five full ones; 3: none; 8: nothing left over
});

test("the inputs of a local encoder grow with the length, those of global tokens by a sixteenth squared", () => {
  const floats = (config: ReturnType<typeof configOf>, length: number) => {
    const tables = { name: "w", values: new Float32Array(64) };
    const long = config.longAttention?.globalBlockSize == null ? null : { name: "s", values: new Float32Array(64) };
    const feeds = longFeeds(config, layoutOf(config, length), tables, long, (count) => new Float32Array(count));
    return Object.values(feeds).reduce((sum, { dims }) => sum + dims.reduce((a, b) => a * b, 1), 0);
  };
  const published = { local_radius: 127 };
  assert.ok(floats(configOf(published), 16_384) < 16_384 * 10);
  const side = 2 * (16_384 / 16) ** 2; // H heads
  const both = configOf({ ...published, encoder_attention_type: "transient-global" });
  assert.ok(floats(both, 16_384) < 16_384 * 12 + side);
});
