/** Addresses of Spark Connect as Spark's own clients write them. */
import { deepEqual, throws } from "node:assert/strict";
import { describeAddress, parseSparkAddress } from "../../src/sql/spark-connect/address.js";

describe("an address of Spark", () => {
  it("has a host, and the rest by default", () => {
    deepEqual(parseSparkAddress("sc://spark"), { host: "spark", port: 15_002, tls: false });
    deepEqual(parseSparkAddress("sc://[::1]:7/"), { host: "[::1]", port: 7, tls: false });
  });

  it("takes TLS with a token, except on this machine", () => {
    deepEqual(parseSparkAddress("sc://spark:1/;token=a%20b"), { host: "spark", port: 1, tls: true, token: "a b" });
    deepEqual(parseSparkAddress("sc://127.0.0.1:1/;token=x"), { host: "127.0.0.1", port: 1, tls: false, token: "x" });
    deepEqual(parseSparkAddress("sc://spark:1/;token=x;use_ssl=false;user_id=u"), {
      host: "spark",
      port: 1,
      tls: false,
      token: "x",
      userId: "u",
    });
  });

  it("says what is wrong, and never the token", () => {
    const wrong = (text: string, message: RegExp) =>
      throws(
        () => parseSparkAddress(text, "SPARK_REMOTE"),
        (error: Error) => message.test(error.message) && !error.message.includes("secret"),
      );
    wrong("spark://a:1/;token=secret", /SPARK_REMOTE is no address of Spark Connect/);
    wrong("sc://a:99999", /no address/);
    wrong("sc://a/;token=%zz;secret", /% that begins no escape/);
    wrong("sc://a/;colour=blue", /parameter "colour"; it may have token/);
    wrong("sc://a/;use_ssl=yes", /use_ssl=yes; it may be true or false/);
    wrong("sc://a/;session_id=mine", /no UUID/);
  });

  it("is described without its token", () => {
    deepEqual(describeAddress(parseSparkAddress("sc://a:5/;token=secret")), "sc://a:5");
  });
});
