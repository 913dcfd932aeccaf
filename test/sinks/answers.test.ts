/** What InfluxDB and S3 answer, read from texts as the servers send them. */
import { deepEqual, equal } from "node:assert/strict";
import { droppedOf, errorText, readQueryAnswer } from "../../src/sinks/influxdb-answer.js";
import { readKeyPage, readS3Error } from "../../src/sinks/s3-answer.js";

const rowsOf = (columns: readonly string[], values: string): unknown =>
  readQueryAnswer(`{"results":[{"series":[{"name":"m","columns":${JSON.stringify(columns)},"values":${values}}]}]}`)
    ?.series[0]?.rows;

describe("InfluxDB's answers", () => {
  it("whole numbers come whole, times are bigint, other numbers and texts stay", () => {
    deepEqual(
      rowsOf(
        ["time", "big", "small", "float", "text", "none"],
        '[[1785542400123456789,9007199254740993,-5,0.12345678901234567890,"12345678901234567890 \\"1\\"",null],[0,9007199254740991,1e21,-0.5,"\\\\",true]]',
      ),
      [
        {
          time: 1_785_542_400_123_456_789n,
          big: 9_007_199_254_740_993n,
          small: -5,
          float: 0.12345678901234568,
          text: '12345678901234567890 "1"',
          none: null,
        },
        { time: 0n, big: 9_007_199_254_740_991, small: 1e21, float: -0.5, text: "\\", none: true },
      ],
    );
  });

  it("a column may have any name", () => {
    const rows = rowsOf(["__proto__", "constructor"], "[[1,2]]") as readonly object[];
    deepEqual(Object.entries(rows[0] ?? {}), [
      ["__proto__", 1],
      ["constructor", 2],
    ]);
  });

  it("parts are put together: series of all statements, their tags, rows of one series in several parts", () => {
    const part = (results: unknown) => `${JSON.stringify({ results: [results] })}\n`;
    const series = (tag: string, values: unknown, partial?: true) => ({
      name: "m",
      tags: { t: tag },
      columns: ["n"],
      values,
      partial,
    });
    const answer = readQueryAnswer(
      part({ statement_id: 0, series: [series("x", [[1]]), series("y", [[2]], true)], partial: true }) +
        part({ statement_id: 0, series: [series("y", [[3]])], partial: true }) +
        part({ statement_id: 0, series: [series("y", [[4]])] }) +
        part({ statement_id: 1, error: "no" }),
    );
    const rows = (tag: string, ...numbers: number[]) => ({
      name: "m",
      tags: { t: tag },
      rows: numbers.map((n) => ({ n })),
    });
    deepEqual(answer, { series: [rows("x", 1), rows("y", 2, 3), rows("y", 4)], error: "no", isCut: false });
  });

  it("an answer that ends before its end, an error, nothing, and what is no answer", () => {
    equal(readQueryAnswer('{"results":[{"statement_id":0,"series":[],"partial":true}]}')?.isCut, true);
    equal(readQueryAnswer("")?.isCut, true);
    deepEqual(readQueryAnswer('{"error":"bad"}'), { series: [], error: "bad", isCut: false });
    deepEqual(readQueryAnswer('{"results":[{"statement_id":0}]}'), { series: [], error: undefined, isCut: false });
    for (const text of ["<html>", "[]", "null", "{}", '{"results":[{"ser']) equal(readQueryAnswer(text), undefined);
  });

  it("a megabyte of text in one row", () => {
    const text = "\\u00e9\\n".repeat(150_000);
    deepEqual(rowsOf(["text"], `[["${text}"]]`), [{ text: "é\n".repeat(150_000) }]);
  });

  it("how much of a write was left out", () => {
    equal(droppedOf("partial write: points beyond retention policy dropped=12"), 12);
    equal(droppedOf("partial write: unable to parse 'x': missing fields dropped=0"), undefined);
    equal(droppedOf("unable to parse 'x dropped=1': missing fields"), undefined);
    equal(errorText(Buffer.from('{"error":"timeout"}\n')), "timeout");
    equal(errorText(Buffer.from("502 Bad Gateway")), "502 Bad Gateway");
    equal(errorText(Buffer.from("null")), "null");
  });
});

describe("S3's answers", () => {
  const page = (inside: string) => `<?xml version="1.0"?><ListBucketResult xmlns="x">${inside}</ListBucketResult>`;

  it("keys of a page, in either writing of a blank", () => {
    const keys = "<Contents><Key>a+b%2Bc%20d%2F%C3%A9</Key><Size>1</Size></Contents><Contents><Key>e</Key></Contents>";
    deepEqual(
      readKeyPage(page(`<Prefix>p</Prefix><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>${keys}`)),
      {
        keys: ["a b+c d/é", "e"],
        nextToken: undefined,
      },
    );
    deepEqual(readKeyPage(page("<Contents><Key>a+b&amp;&lt;&#x2b;&#43;</Key></Contents>"))?.keys, ["a+b&<++"]);
    deepEqual(readKeyPage(page("")), { keys: [], nextToken: undefined });
    equal(readKeyPage("<html></html>"), undefined);
  });

  it("where the next page begins", () => {
    const more = "<IsTruncated>true</IsTruncated><NextContinuationToken>a/b+c=&amp;</NextContinuationToken>";
    equal(readKeyPage(page(more))?.nextToken, "a/b+c=&");
  });

  it("the name of an error", () => {
    deepEqual(readS3Error("<Error><Code>NoSuchKey</Code><Message>It&apos;s gone.</Message></Error>"), {
      code: "NoSuchKey",
      message: "It's gone.",
    });
    equal(readS3Error("<html>404</html>"), undefined);
    equal(readS3Error(""), undefined);
  });
});
