/**
 * Answers that no server should give: a gRPC double sends damaged protobuf and Arrow, messages left out, doubled and out of
 * order. Each query ends, with an error of ours or with the rows that were sent. TIDETABLE_SPARK_FUZZ=20000 for more of them.
 */
import { deepEqual, ok } from "node:assert/strict";
import { TidetableError } from "../../src/errors.js";
import { connect, type SparkSession } from "../../src/sql/spark-connect/session.js";
import { type Random, seededRandom } from "../support/seeded-random.js";
import { ConnectDouble, honestAnswer, honestRows } from "./connect-double.js";
import { rowsOf } from "./spark-fixture.js";

const cases = Number(process.env.TIDETABLE_SPARK_FUZZ ?? 200);
const batches = 3;
/** Pairs of server and client at a time: most of a case is waiting until the client gives up. */
const pairs = 16;

describe("a Spark Connect server that answers nonsense", function () {
  this.timeout(120_000 + cases * 100);
  const expected = honestRows(batches);

  it("answers sensibly when it does not", async () => {
    await eachCase(1, async (ask) => deepEqual(await ask((messages) => messages), expected));
  });

  it("notices rows that are missing, doubled or out of order", async () => {
    await eachCase(cases / 3, async (ask, seed) => {
      const random = seededRandom(seed);
      const rows = await ask((messages) => disordered(messages, random));
      if (rows !== undefined) deepEqual(rows, expected, `seed ${seed}`);
    });
  });

  it("survives bytes that are damaged", async () => {
    let answered = 0;
    await eachCase(cases, async (ask, seed) => {
      const random = seededRandom(seed);
      const rows = await ask((messages) => messages.map((one) => (random.chance(0.5) ? damaged(one, random) : one)));
      // A flipped bit inside a value is a value; the shape of the rest still holds.
      if (rows === undefined) return;
      answered += 1;
      for (const row of rows) ok(row.length <= 3, `seed ${seed}`);
    });
    // One case in eight is not touched at all.
    ok(answered > cases / 20, `${answered} of ${cases} were answered`);
  });
});

type Change = (messages: readonly Buffer[]) => readonly Buffer[];
type Ask = (change: Change) => Promise<readonly (readonly unknown[])[] | undefined>;

/** Runs the cases 0 to `count`, some at a time, each with a server of which nobody else has asked anything yet unanswered. */
async function eachCase(count: number, run: (ask: Ask, seed: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async () => {
    const double = await ConnectDouble.start();
    let session = await connect(double.address);
    try {
      while (next < count) {
        const seed = next++;
        // Damage to the server's mark of the session ends it: what follows would be refused unasked.
        if (session.isLost) {
          session.disconnect();
          session = await connect(double.address);
        }
        await run((change) => {
          double.script = (operationId) => change(honestAnswer(operationId, batches));
          return outcome(session);
        }, seed);
      }
    } finally {
      session.disconnect();
      double.stop();
    }
  };
  await Promise.all(Array.from({ length: Math.min(pairs, Math.ceil(count)) }, work));
}

/** The rows, or undefined where the query failed in words of ours. Never anything else, never for ever. */
async function outcome(session: SparkSession): Promise<readonly (readonly unknown[])[] | undefined> {
  try {
    return rowsOf(await session.sql("SELECT 1"));
  } catch (error) {
    ok(error instanceof TidetableError, `a ${String(error)} came out`);
    return undefined;
  }
}

function disordered(messages: readonly Buffer[], random: Random): readonly Buffer[] {
  const changed = [...messages];
  const at = random.below(changed.length);
  const other = random.below(changed.length);
  switch (random.below(3)) {
    case 0:
      // The last batch left out whole leaves no trace in the protocol: nothing says how many there are.
      changed.splice(at === batches - 1 ? 0 : at, 1);
      break;
    case 1:
      changed.splice(other, 0, changed[at] as Buffer);
      break;
    default:
      [changed[at], changed[other]] = [changed[other] as Buffer, changed[at] as Buffer];
  }
  return changed;
}

function damaged(message: Buffer, random: Random): Buffer {
  const bytes = Buffer.from(message);
  switch (random.below(4)) {
    case 0:
      return bytes.subarray(0, random.below(bytes.length));
    case 1: {
      const at = random.below(bytes.length);
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([random.below(256)]), bytes.subarray(at)]);
    }
    default:
      for (let flips = 1 + random.below(4); flips > 0; flips--) bytes[random.below(bytes.length)] = random.below(256);
      return bytes;
  }
}
