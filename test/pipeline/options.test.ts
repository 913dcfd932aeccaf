/** What `npm run pipeline` understands, and how it is cut to a machine's memory. */
import { deepEqual, equal, match, throws } from "node:assert/strict";
import { faultsFor, shareAllowed } from "../../scripts/pipeline/faults.js";
import { fitToMemory, type PipelineSize, readPipelineRequest } from "../../scripts/pipeline/options.js";
import { allHealthy, type ServiceRow, statusTable } from "../../scripts/pipeline/status-table.js";

const whole: PipelineSize = { instances: 3, cassandraNodes: 3, kafkaNodes: 3 };

describe("npm run pipeline", () => {
  it("is three of each, unless told otherwise", () => {
    deepEqual(readPipelineRequest([]), { action: "run", size: whole, workbench: true });
    deepEqual(readPipelineRequest(["--instances", "5", "--nodes", "1", "--no-workbench"]), {
      action: "run",
      size: { instances: 5, cassandraNodes: 1, kafkaNodes: 1 },
      workbench: false,
    });
  });

  it("is changed from a second terminal", () => {
    deepEqual(readPipelineRequest(["scale", "2"]), { action: "scale", instances: 2 });
    deepEqual(readPipelineRequest(["kill", "cassandra", "2"]), { action: "kill", service: "cassandra", number: 2 });
    deepEqual(readPipelineRequest(["start", "kafka", "3"]), { action: "start", service: "kafka", number: 3 });
    deepEqual(readPipelineRequest(["status"]), { action: "status" });
    deepEqual(readPipelineRequest(["rehearse", "--count", "10", "--rate", "5"]), {
      action: "rehearse",
      size: whole,
      count: 10,
      ratePerSecond: 5,
    });
  });

  for (const [line, message] of [
    [["--instances", "0"], /--instances takes a whole number from 1 to 16; it is "0"/],
    [["--nodes", "2"], /--nodes is "2"; it may be 1 or 3/],
    [["scale"], /scale takes a whole number/],
    [["scale", "two"], /it is "two"/],
    [["kill", "zookeeper", "1"], /"zookeeper" is no service/],
    [["dance"], /There is no "dance"/],
    [["--colour"], /Unknown option '--colour'/],
  ] as const) {
    it(`refuses ${line.join(" ")}`, () => throws(() => readPipelineRequest(line), message));
  }

  it("is cut where memory is short: Cassandra's replicas first, then Kafka's, never the instances; and that is said", () => {
    deepEqual(fitToMemory(whole, 16_000), { size: whole, notices: [] });
    const less = fitToMemory(whole, 5_000);
    deepEqual(less.size, { instances: 3, cassandraNodes: 1, kafkaNodes: 3 });
    match(less.notices[0] ?? "", /^5000 MiB of memory are free and \d+ would be needed: Cassandra runs on one node/);
    const least = fitToMemory(whole, 1_000);
    deepEqual(least.size, { instances: 3, cassandraNodes: 1, kafkaNodes: 1 });
    equal(least.notices.length, 3);
  });

  it("kills only where something is left that goes on", () => {
    deepEqual(
      faultsFor(whole).map(({ service }) => service),
      ["tweeter", "cassandra", "kafka"],
    );
    deepEqual(
      faultsFor({ instances: 2, cassandraNodes: 1, kafkaNodes: 1 }).map(({ service }) => service),
      ["tweeter"],
    );
    deepEqual(
      [0, 1, 2, 3].map((done) => shareAllowed(faultsFor(whole), done).toFixed(2)),
      ["0.35", "0.55", "0.85", "1.00"],
    );
    deepEqual(faultsFor({ instances: 1, cassandraNodes: 1, kafkaNodes: 1 }), []);
  });
});

describe("status table", () => {
  const rows: readonly ServiceRow[] = [
    { service: "kafka", number: 1, state: "healthy", address: "127.0.0.1:19092", detail: "" },
    { service: "tweeter", number: 12, state: "starting", address: "", detail: "started again once" },
    { service: "haproxy", state: "waiting", address: "", detail: "" },
  ];

  it("has a line a service, in columns", () => {
    deepEqual(statusTable(rows).split("\n"), [
      "SERVICE     STATE       ADDRESS",
      "kafka 1     ✓ healthy   127.0.0.1:19092",
      "tweeter 12  … starting                   started again once",
      "haproxy     · waiting",
    ]);
  });

  it("is whole when every service is healthy", () => {
    equal(allHealthy(rows), false);
    equal(allHealthy(rows.slice(0, 1)), true);
    equal(allHealthy([]), false);
  });
});
