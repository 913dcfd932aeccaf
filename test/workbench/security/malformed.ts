/** What a server must bear that no client of ours would send: requests, messages and frames that are wrong in themselves. */

/** Fifty, each to be refused, at a server on this port that this token would let in. */
export function malformedRequests(port: number, token: string): readonly string[] {
  const headers = `Host: 127.0.0.1:${port}\r\nAuthorization: token ${token}\r\nContent-Type: application/json\r\n`;
  const put = `PUT /api/contents/test.ipynb HTTP/1.1\r\n${headers}`;
  return [
    ...[
      "\r\n\r\n",
      "\u0000\u0001\u0002\r\n\r\n",
      "GET\r\n\r\n",
      "GET /\r\n\r\n",
      "GET / HTTP/9.9\r\n\r\n",
      "get / HTTP/1.1\r\n\r\n",
    ],
    ...["GET / HTTP/1.1\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1 \r\n\r\n"],
    ...[
      "\u0016\u0003\u0001\u0002\u0000\u0001\u0000",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "CONNECT evil.example:80 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    ],
    ...["GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"],
    `GET / HTTP/1.1\r\n${headers}Host: evil.example\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost : 127.0.0.1:${port}\r\n\r\n`,
    `GET / HTTP/1.1\r\n Host: 127.0.0.1:${port}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX: a\u0000b\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX: a\u0001b\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX Y: a\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n: a\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX: ${"x".repeat(17 * 1024)}\r\n\r\n`,
    `GET /${"x".repeat(17 * 1024)} HTTP/1.1\r\n${headers}\r\n`,
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${"X: y\r\n".repeat(4000)}\r\n`,
    `${put}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `${put}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
    `${put}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`,
    `${put}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    ...["-1", "x", "1e3", "+2", "0x2", "99999999999999999999", ""].map(
      (length) => `${put}Content-Length: ${length}\r\n\r\n{}`,
    ),
    ...["x", "-1", "ffffffffffffffffff", "2;\u0000"].map(
      (size) => `${put}Transfer-Encoding: chunked\r\n\r\n${size}\r\n{}\r\n0\r\n\r\n`,
    ),
    `${put}Content-Length: ${64 * 1024 * 1024 + 1}\r\n\r\n`,
    `POST /api/sessions HTTP/1.1\r\n${headers}Content-Length: ${1024 * 1024 + 1}\r\n\r\n`,
    `POST /api/view-links HTTP/1.1\r\n${headers}Content-Length: ${1024 * 1024 + 1}\r\n\r\n`,
    ...["{", "[", '"', "nul", "\u0000", "[]", "1", "null"].map(
      (body) =>
        `POST /api/sessions HTTP/1.1\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    ),
  ];
}

/** Neither text nor bytes that a page sends to a kernel. */
export const noMessages: ReadonlyArray<string | Buffer> = makeNoMessages();

function makeNoMessages() {
  const offsets = (...numbers: number[]) => {
    const bytes = Buffer.alloc(8 * (numbers.length + 1));
    for (const [index, number] of [numbers.length, ...numbers].entries())
      bytes.writeBigUInt64LE(BigInt(number), index * 8);
    return bytes;
  };
  return [
    ...["", "{", "{}", "null", '{"received":-1}', '{"received":1.5}', "x".repeat(200), '{"channel":"shell"}'],
    ...[0, 1, 7, 8, 9, 15, 16, 64, 1000].map((size) => Buffer.alloc(size)),
    ...[1, 7, 8, 9, 100, 1000].map((size) => Buffer.alloc(size, 0xff)),
    ...[1, 2, 3, 4, 5].map((count) => Buffer.concat([offsets(...Array(count).fill(64)), Buffer.from("shell{")])),
    offsets(0),
    offsets(8, 8),
    offsets(Number.MAX_SAFE_INTEGER),
    offsets(16, 8, 0),
    offsets(1, 2, 3, 4, 5, 6),
    Buffer.concat([offsets(48, 53, 55, 57, 59), Buffer.from("iopub{}{}{}{}")]),
    Buffer.concat([offsets(48, 53, 55, 57, 59), Buffer.from("shell[][][][]")]),
    Buffer.concat([offsets(48, 53, 54, 55, 56), Buffer.from("shellnope")]),
    Buffer.concat([offsets(48, 52, 54, 56, 58), Buffer.from("root{}{}{}{}")]),
  ];
}

/** A frame of so many zeros, under a mask that changes nothing. */
export function masked(first: number, length: number): Buffer {
  return Buffer.concat([Buffer.from([first, 0x80 | length]), Buffer.alloc(4 + length)]);
}

export const wrongFrames: ReadonlyArray<readonly [what: string, bytes: Buffer]> = [
  ["without a mask", Buffer.from([0x82, 0x01, 0x00])],
  ["of a reserved kind", masked(0x83, 1)],
  ["of another reserved kind", masked(0x8b, 1)],
  ["said to be compressed", masked(0xc2, 1)],
  ["with a reserved bit", masked(0xa2, 1)],
  ["that goes on with nothing", masked(0x80, 1)],
  ["a ping in parts", masked(0x09, 1)],
  ["a close of one byte", masked(0x88, 1)],
  ["text that is no UTF-8", Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff])],
  ["longer than a number holds", Buffer.from([0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])],
  ["longer than 8 MiB", Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0x80, 0, 1, 0, 0, 0, 0])],
  ["of 4 GiB", Buffer.from([0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])],
];
