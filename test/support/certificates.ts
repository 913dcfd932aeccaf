/** Certificates for one test, made by openssl: an authority, a server's for 127.0.0.1, a client's. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../../scripts/components/command.js";

export interface Certificate {
  readonly certificatePath: string;
  readonly keyPath: string;
  /** Key and certificate in one PEM file, as brokers take them. */
  readonly bothPath: string;
}

export interface Certificates {
  readonly authorityPath: string;
  readonly server: Certificate;
  readonly client: Certificate;
}

const options = { timeoutMs: 60_000, missing: "Install openssl." };

export async function makeCertificates(folder: string): Promise<Certificates> {
  const authorityPath = join(folder, "authority.pem");
  const authorityKey = join(folder, "authority.key");
  await runCommand(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=a test's authority"].concat([
      "-keyout",
      authorityKey,
      "-out",
      authorityPath,
    ]),
    options,
  );
  const issue = async (name: string): Promise<Certificate> => {
    const path = (extension: string) => join(folder, `${name}.${extension}`);
    await runCommand(
      "openssl",
      ["req", "-newkey", "rsa:2048", "-nodes", "-subj", `/CN=${name}`, "-keyout", path("key"), "-out", path("csr")],
      options,
    );
    writeFileSync(path("ext"), "subjectAltName=IP:127.0.0.1\n");
    await runCommand(
      "openssl",
      ["x509", "-req", "-days", "2", "-CAcreateserial", "-in", path("csr"), "-CA", authorityPath].concat([
        "-CAkey",
        authorityKey,
        "-extfile",
        path("ext"),
        "-out",
        path("crt"),
      ]),
      options,
    );
    writeFileSync(path("pem"), readFileSync(path("key"), "utf8") + readFileSync(path("crt"), "utf8"));
    return { certificatePath: path("crt"), keyPath: path("key"), bothPath: path("pem") };
  };
  return { authorityPath, server: await issue("server"), client: await issue("client") };
}
