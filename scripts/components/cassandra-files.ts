/** What a Cassandra node is started with: its files and its Java options. Texts only; cassandra.ts writes and runs them. */
import { join } from "node:path";

export interface CassandraNode {
  /** Counts from 1; node n listens on 127.0.0.n. */
  readonly number: number;
  readonly address: string;
  readonly directory: string;
  readonly jmxPort: number;
  readonly token: string;
}

export interface CassandraSettings {
  readonly clusterName: string;
  readonly nativePort: number;
  readonly storagePort: number;
  readonly sync: "periodic" | "batch";
  readonly heapMiB: number;
  readonly guard?: CassandraGuard;
}

/** Who may come in: with a certificate, over TLS, and with a name and a password (the first one there is `cassandra`, twice). */
export interface CassandraGuard {
  /** PEM: the node's key and certificate in one file. */
  readonly serverPath: string;
  /** PEM: who signs clients' certificates. */
  readonly authorityPath: string;
}

/** A third of the ring each: with a replica on every node the exact places do not matter. */
const tokens = ["-9223372036854775808", "-3074457345618258603", "3074457345618258602"];

export function tokenOf(node: number, nodeCount: number): string {
  return nodeCount === 1 ? "0" : (tokens[node - 1] ?? "0");
}

/** Cassandra refuses keys it does not know, so this holds only what has to differ from its defaults. */
export function cassandraYaml(node: CassandraNode, settings: CassandraSettings): string {
  const folder = (name: string) => JSON.stringify(join(node.directory, name));
  return `cluster_name: ${JSON.stringify(settings.clusterName)}
num_tokens: 1
initial_token: "${node.token}"
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
seed_provider: [{class_name: org.apache.cassandra.locator.SimpleSeedProvider, parameters: [{seeds: "127.0.0.1"}]}]
listen_address: ${node.address}
rpc_address: ${node.address}
storage_port: ${settings.storagePort}
ssl_storage_port: ${settings.storagePort + 1}
native_transport_port: ${settings.nativePort}
start_native_transport: true
auto_bootstrap: false
data_file_directories: [${folder("data")}]
commitlog_directory: ${folder("commitlog")}
saved_caches_directory: ${folder("saved_caches")}
hints_directory: ${folder("hints")}
cdc_raw_directory: ${folder("cdc_raw")}
commitlog_sync: ${settings.sync}
${settings.sync === "periodic" ? "commitlog_sync_period: 10s\n" : ""}commitlog_segment_size: 5MiB
auto_snapshot: false
memtable_allocation_type: heap_buffers
disk_access_mode: standard
${settings.guard === undefined ? "" : guardYaml(settings.guard)}`;
}

function guardYaml({ serverPath, authorityPath }: CassandraGuard): string {
  return `authenticator: PasswordAuthenticator
client_encryption_options:
  enabled: true
  optional: false
  require_client_auth: true
  ssl_context_factory:
    class_name: org.apache.cassandra.security.PEMBasedSslContextFactory
  keystore: ${JSON.stringify(serverPath)}
  truststore: ${JSON.stringify(authorityPath)}
`;
}

export function logbackXml(logFile: string): string {
  return `<configuration>
  <appender name="FILE" class="ch.qos.logback.core.FileAppender">
    <file>${logFile}</file>
    <encoder><pattern>%-5level %d{HH:mm:ss.SSS} %logger{0} - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="FILE"/></root>
</configuration>
`;
}

/** @param jars file names of the library folder */
export function javaArguments(
  node: CassandraNode,
  settings: CassandraSettings,
  libraryDirectory: string,
  jars: readonly string[],
): string[] {
  const agent = jars.find((jar) => /^jamm-.*\.jar$/.test(jar));
  const temporary = join(node.directory, "tmp");
  return [
    ...exportedPackages.flatMap((name) => ["--add-exports", `${name}=ALL-UNNAMED`]),
    ...openedPackages.flatMap((name) => ["--add-opens", `${name}=ALL-UNNAMED`]),
    ...(agent === undefined ? [] : [`-javaagent:${join(libraryDirectory, agent)}`]),
    `-Xms${settings.heapMiB}M`,
    `-Xmx${settings.heapMiB}M`,
    "-XX:MaxDirectMemorySize=128M",
    "-XX:+UseG1GC",
    // A node lives for minutes here, beside others on the same cores: compiling for years to come would take one of them.
    "-XX:TieredStopAtLevel=1",
    "-XX:+PerfDisableSharedMem",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djdk.attach.allowAttachSelf=true",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-Djava.net.preferIPv4Stack=true",
    `-Djava.io.tmpdir=${temporary}`,
    `-Djna.tmpdir=${temporary}`,
    "-Dcassandra-foreground=yes",
    `-Dcassandra.config=file://${join(node.directory, "cassandra.yaml")}`,
    `-Dcassandra.storagedir=${node.directory}`,
    `-Dlogback.configurationFile=${join(node.directory, "logback.xml")}`,
    `-Dcassandra.jmx.local.port=${node.jmxPort}`,
    // Waits meant for rings over a network, which this one is not.
    "-Dcassandra.skip_wait_for_gossip_to_settle=0",
    "-Dcassandra.ring_delay_ms=2000",
    "-Dcassandra.shutdown_announce_in_ms=0",
    "-Dcassandra.superuser_setup_delay_ms=0",
    "-cp",
    `${node.directory}:${join(libraryDirectory, "*")}`,
    "org.apache.cassandra.service.CassandraDaemon",
  ];
}

/** Java's own packages that Cassandra 5 reaches into. */
const exportedPackages = [
  "java.base/jdk.internal.misc",
  "java.base/jdk.internal.ref",
  "java.base/java.lang.ref",
  "java.base/sun.nio.ch",
  "java.management.rmi/com.sun.jmx.remote.internal.rmi",
  "java.management/com.sun.jmx.remote.security",
  "java.rmi/sun.rmi.registry",
  "java.rmi/sun.rmi.server",
  "java.sql/java.sql",
  "jdk.unsupported/sun.misc",
  "jdk.compiler/com.sun.tools.javac.file",
  "jdk.attach/sun.tools.attach",
];
const openedPackages = [
  "java.base/java.lang.module",
  "java.base/jdk.internal.loader",
  "java.base/jdk.internal.ref",
  "java.base/jdk.internal.reflect",
  "java.base/jdk.internal.math",
  "java.base/jdk.internal.module",
  "java.base/jdk.internal.util.jar",
  "java.base/sun.nio.ch",
  "java.base/java.io",
  "java.base/java.lang.reflect",
  "java.base/java.lang",
  "java.base/java.util",
  "java.base/java.nio",
  "jdk.management/com.sun.management.internal",
  "jdk.compiler/com.sun.tools.javac",
];
