import { deepEqual, equal, throws } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readCassandraOptions } from "../../src/cells/open-cassandra.js";
import { readConfig } from "../../src/config.js";
import { makeCertificates } from "../support/certificates.js";
import { temporaryFolder } from "../support/temporary-folder.js";

describe("Cassandra in the environment", function () {
  this.timeout(30_000);
  const folder = temporaryFolder("cassandra-settings");
  after(() => folder.remove());
  const read = (variables: Readonly<Record<string, string>>) =>
    readConfig({ CASSANDRA_CONTACT_POINTS: "10.0.0.1:9042", ...variables }, folder.path).cassandra;

  it("is in the clear unless something of TLS is named", () => {
    equal(readConfig({ CASSANDRA_SSL: "true" }, folder.path).cassandra, undefined);
    deepEqual(read({}), { contactPoints: ["10.0.0.1:9042"] });
    deepEqual(read({ CASSANDRA_SSL: "false" }), { contactPoints: ["10.0.0.1:9042"] });
    deepEqual(read({ CASSANDRA_SSL: "true" })?.tls, { checkHost: true });
    deepEqual(read({ CASSANDRA_SSL: "true", CASSANDRA_SSL_CHECK_HOST: "false" })?.tls, { checkHost: false });
  });

  it("reads certificates from files, relative to where it was started", async () => {
    await makeCertificates(folder.path);
    const tls = read({
      CASSANDRA_SSL_CA: "authority.pem",
      CASSANDRA_SSL_CERTIFICATE: "client.crt",
      CASSANDRA_SSL_KEY: "client.key",
    })?.tls;
    deepEqual(
      [tls?.authorities, tls?.certificate, tls?.key].map((text) => text?.split("\n")[0]),
      ["-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----"],
    );
    equal(tls?.checkHost, true);
  });

  it("counts for a cluster that a cell names, whether one is configured or not", () => {
    const variables = {
      CASSANDRA_USERNAME: "reader",
      CASSANDRA_PASSWORD: "secret",
      CASSANDRA_DATA_CENTER: "north",
      CASSANDRA_SSL: "true",
    };
    const configured = { ...variables, CASSANDRA_CONTACT_POINTS: "10.0.0.1:9042" };
    for (const environment of [variables, configured]) {
      const config = readConfig(environment, folder.path);
      const { request } = readCassandraOptions("k.posts", { contactPoints: "10.9.9.9:9042" }, config);
      deepEqual(request.connection, {
        contactPoints: ["10.9.9.9:9042"],
        dataCenter: "north",
        username: "reader",
        password: "secret",
        tls: { checkHost: true },
      });
    }
  });

  it("says at the start what cannot be", () => {
    writeFileSync(join(folder.path, "noise.pem"), "noise");
    const refused: ReadonlyArray<readonly [Readonly<Record<string, string>>, RegExp]> = [
      [{ CASSANDRA_SSL: "yes" }, /CASSANDRA_SSL is "yes"; it may be true or false/],
      [{ CASSANDRA_SSL_CA: "nowhere.pem" }, /CASSANDRA_SSL_CA names .*nowhere\.pem, which cannot be read/],
      [{ CASSANDRA_SSL_CERTIFICATE: "client.crt" }, /CASSANDRA_SSL_KEY belong together/],
      [{ CASSANDRA_SSL_CERTIFICATE: "noise.pem", CASSANDRA_SSL_KEY: "client.key" }, /CERTIFICATE and .*cannot be used/],
      [{ CASSANDRA_SSL: "false", CASSANDRA_SSL_CA: "authority.pem" }, /CASSANDRA_SSL is false/],
    ];
    for (const [variables, message] of refused) throws(() => read(variables), { code: "CONFIG_INVALID", message });
  });
});
