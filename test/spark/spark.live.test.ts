/** Spark on a real Connect server and a real broker, started once for all of these. The parts are files of their own. */
import { besideTests } from "./beside-tests.js";
import { clientTests } from "./client-tests.js";
import { conformanceTests } from "./conformance-tests.js";
import { crashTests } from "./crash-tests.js";
import { engineTests } from "./engine-tests.js";
import { liveTests } from "./live-tests.js";
import { SparkFixture } from "./spark-fixture.js";
import { tutorialTests } from "./tutorial-tests.js";

describe("Spark", function () {
  this.timeout(240_000);
  const at = new SparkFixture();

  describe("the Connect client", () => clientTests(at));
  describe("as the engine", () => engineTests(at));
  describe("live queries", () => liveTests(at));
  describe("beside DuckDB", () => besideTests(at));
  describe("the statements of the engine port", () => conformanceTests(at));
  describe("the tutorial", () => tutorialTests(at));
  describe("when servers end", () => crashTests(at));
});
