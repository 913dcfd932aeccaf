/** How the client keeps a call whole, which versions it speaks to, and TLS: against a double that does what it is told. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ServerCredentials } from "@grpc/grpc-js";
import { connect, type SparkSession } from "../../src/sql/spark-connect/session.js";
import { makeCertificates } from "../support/certificates.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";
import { fails } from "./client-tests.js";
import { ConnectDouble, honestAnswer, honestRows } from "./connect-double.js";
import { rowsOf } from "./spark-fixture.js";

const runFile = promisify(execFile);
const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

describe("calls of the Spark Connect client", function () {
  this.timeout(60_000);
  const doubles: ConnectDouble[] = [];
  const sessions: SparkSession[] = [];
  afterEach(() => {
    for (const session of sessions.splice(0)) session.disconnect();
    for (const double of doubles.splice(0)) double.stop();
  });

  async function start(...options: Parameters<typeof ConnectDouble.start>): Promise<ConnectDouble> {
    const double = await ConnectDouble.start(...options);
    doubles.push(double);
    return double;
  }

  async function open(...options: Parameters<typeof connect>): Promise<SparkSession> {
    const session = await connect(...options);
    sessions.push(session);
    return session;
  }

  it("takes a broken one up after the last response that came", async () => {
    const double = await start();
    const asked: (string | undefined)[] = [];
    double.breaksOff = true;
    double.script = (operationId) => honestAnswer(operationId).slice(0, 2);
    double.onReattach = (operationId, lastResponseId) => {
      asked.push(lastResponseId);
      return honestAnswer(operationId).slice(2);
    };
    const session = await open(double.address);
    deepEqual(rowsOf(await session.sql("SELECT 1")), honestRows());
    deepEqual(asked, ["r1"]);
  });

  it("takes one up that the server ended before its result was whole", async () => {
    const double = await start();
    double.script = (operationId) => honestAnswer(operationId).slice(0, 1);
    double.onReattach = (operationId) => honestAnswer(operationId).slice(1);
    const session = await open(double.address);
    deepEqual(rowsOf(await session.sql("SELECT 1")), honestRows());
  });

  it("does not try for ever where nothing more comes", async () => {
    const double = await start();
    double.script = (operationId) => honestAnswer(operationId).slice(0, 2);
    double.onReattach = () => [];
    const session = await open(double.address);
    await fails(session.sql("SELECT 1"), "SQL_FAILED", /before its result is whole/);
  });

  it("lets the server forget what was read: of a long answer on its way, of each at its end", async () => {
    const double = await start();
    double.script = (operationId) => honestAnswer(operationId, 40);
    const session = await open(double.address);
    equal((await session.sql("SELECT 1")).rowCount, honestRows(40).length);
    const query = await until("all of it is given up", () => {
      const long = double.released.find((release) => release.until !== "all");
      const all = double.released.find(
        ({ operationId, until: end }) => operationId === long?.operationId && end === "all",
      );
      return all?.operationId;
    });
    const parts = double.released.filter((release) => release.operationId === query && release.until !== "all");
    deepEqual(
      parts.map((release) => release.until),
      ["r15", "r31"],
    );
  });

  it("refuses 3.5 with the reason, and takes what is newer than was tested", async () => {
    const old = await start("3.5.7");
    const error = await fails(
      connect(old.address),
      "SPARK_REFUSED",
      /is version 3\.5\.7; Tidetable needs 4\.0 or later/,
    );
    match(error.message, /npm run spark/);
    for (const version of ["4.0.0", "4.2.0", "5.0.0-preview1"]) {
      equal((await open((await start(version)).address)).version, version);
    }
  });

  it("is there for programs, as tidetable/spark of the built package", async () => {
    const double = await start("4.0.0");
    const program = `import { connect, sourceRelation } from "tidetable/spark";
      const session = await connect(process.argv[1]);
      const { columns, rowCount } = await session.sql("SELECT id FROM range(?)", [150n]);
      console.log(JSON.stringify([session.version, columns.map((column) => column.name), rowCount, typeof sourceRelation]));
      await session.close();`;
    // The package's own name is resolved by its exports, as in a project that has it as a dependency.
    const options = { cwd: root, timeout: 50_000 };
    const { stdout } = await runFile(process.execPath, ["--input-type=module", "-e", program, double.address], options);
    deepEqual(JSON.parse(stdout), ["4.0.0", ["id", "text"], 150, "function"]);
  });

  it("speaks TLS, with the authority that it is given and with no other", async () => {
    const folder = temporaryFolder("spark-tls");
    try {
      const { authorityPath, server, client } = await makeCertificates(folder.path);
      const authority = readFileSync(authorityPath);
      const pair = { cert_chain: readFileSync(server.certificatePath), private_key: readFileSync(server.keyPath) };
      const secure = await start("4.1.1", ServerCredentials.createSsl(authority, [pair], true));
      const address = `${secure.address}/;use_ssl=true;token=a%20token`;
      const own = {
        certificate: readFileSync(client.certificatePath, "utf8"),
        key: readFileSync(client.keyPath, "utf8"),
      };
      const session = await open(address, { tls: { authorities: String(authority), ...own } });
      deepEqual(rowsOf(await session.sql("SELECT 1")), honestRows());
      const error = await fails(connect(address, { tls: own }), "SPARK_UNREACHABLE", /certificate/);
      ok(!error.message.includes("a token"), error.message);
    } finally {
      folder.remove();
    }
  });
});
