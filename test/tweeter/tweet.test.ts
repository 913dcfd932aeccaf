import { deepEqual, equal, notDeepEqual, ok } from "node:assert/strict";
import { contentLengthMax, encodeTweet, handleLengthMax, refusalReason } from "../../src/tweeter/tweet.js";
import { generateBadValue, generateTweet, isBad } from "../../src/tweeter/tweet-generator.js";

describe("a tweet", () => {
  const cases: ReadonlyArray<readonly [handle: string, content: string, reason: RegExp | undefined]> = [
    ["hamlet", "Words, words, words.", undefined],
    ["h".repeat(15), "x".repeat(140), undefined],
    ["zoë", "🎭".repeat(140), undefined],
    ["", "x", /handle is empty/],
    ["two words", "x", /"two words" has a space/],
    ["tab\tbed", "x", /has a space/],
    ["h".repeat(16), "x", /16 characters; 15 are allowed/],
    ["hamlet", "", /tweet is empty/],
    ["hamlet", "  \n", /tweet is empty/],
    ["hamlet", "x".repeat(141), /141 characters; 140 are allowed/],
    ["hamlet", "🎭".repeat(141), /141 characters/],
  ];
  for (const [handle, content, reason] of cases) {
    it(`${JSON.stringify(handle)} ${content.length > 20 ? `(${content.length} units)` : JSON.stringify(content)}`, () => {
      const actual = refusalReason({ handle, content });
      ok(reason === undefined ? actual === undefined : reason.test(actual ?? ""), actual);
    });
  }

  it("as it is written to a topic", () => {
    equal(
      encodeTweet({ id: "7", handle: "puck", content: 'a "quote"', createdAtMs: 1_767_225_600_000 }),
      '{"id":"7","content":"a \\"quote\\"","created_at":"2026-01-01T00:00:00.000Z","handle":"puck"}',
    );
  });
});

describe("generated tweets", () => {
  const many = Array.from({ length: 20_000 }, (_, index) => generateTweet(1, index, 0));

  it("are good ones, with ids of their own", () => {
    for (const tweet of many) equal(refusalReason(tweet), undefined, JSON.stringify(tweet));
    ok(many.every(({ handle, content }) => handle.length <= handleLengthMax && content.length <= contentLengthMax));
    ok(many.every(({ content }) => !/[{}]/.test(content)));
    equal(new Set(many.map(({ id }) => id)).size, many.length);
    ok(many.every(({ id }) => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)));
  });

  it("are the same for a seed and a number, and others for another seed", () => {
    deepEqual(generateTweet(1, 12_345, 5), generateTweet(1, 12_345, 5));
    notDeepEqual(generateTweet(1, 12_345, 5), generateTweet(2, 12_345, 5));
    deepEqual(
      [generateTweet(1, 0, 0), generateTweet(1, 1, 0)].map(({ handle, content }) => `${handle}: ${content}`),
      [
        "falstaff: If supper be the question, I have notes. Many notes.",
        "falstaff: Dear @hamlet, we need to talk about honour.",
      ],
    );
  });

  it("come mostly from a few", () => {
    const counts = new Map<string, number>();
    for (const { handle } of many) counts.set(handle, (counts.get(handle) ?? 0) + 1);
    const sorted = [...counts.values()].sort((a, b) => b - a);
    equal(sorted.length, 40);
    ok((sorted[0] ?? 0) > 3 * (sorted[4] ?? 0), `${sorted}`);
  });

  it("about one value in so many is bad, and never good JSON", () => {
    const bad = many.map((_, index) => index).filter((index) => isBad(1, index, 500));
    ok(bad.length > 15 && bad.length < 80, `${bad.length} of ${many.length}`);
    equal(many.filter((_, index) => isBad(1, index, 0)).length, 0);
    for (let index = 0; index < 2_000; index += 1) {
      const value = generateBadValue(1, index);
      let parsed = true;
      try {
        JSON.parse(value);
      } catch {
        parsed = false;
      }
      equal(parsed, false, value);
    }
  });
});
