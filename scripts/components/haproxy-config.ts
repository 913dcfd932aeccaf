/**
 * HAProxy's configuration for instances that come and go: what is tried again, what never is, and how soon a dead
 * instance is left alone. Pure.
 */

export interface HaproxySettings {
  readonly port: number;
  readonly statsPort: number;
  /** Path of the socket by which servers are added and removed. */
  readonly runtimeSocket: string;
}

export const backend = "tweeter";

/**
 * Of each server, added while HAProxy runs: those take no `default-server`. A dead one is found by its refused connections, at
 * once; a check has to fail for four seconds, because all instances stand on one Cassandra and none is better off without them.
 * The delay is HAProxy's default, which a server that is added later does not get: without it no connection is ever used again.
 */
export const serverParameters =
  "check inter 500ms fall 8 rise 1 observe layer4 error-limit 3 on-error mark-down pool-purge-delay 5s pool-max-conn 64 maxconn 512";

export function haproxyConfig({ port, statsPort, runtimeSocket }: HaproxySettings): string {
  return `global
  log stdout format raw local0 notice
  stats socket ${runtimeSocket} mode 600 level admin
  maxconn 4096
  hard-stop-after 10s

defaults
  mode http
  log global
  option dontlog-normal
  timeout connect 1s
  timeout client 60s
  timeout server 20s
  timeout http-request 10s
  timeout http-keep-alive 30s
  timeout queue 5s
  timeout check 2s

frontend tweeter-front
  bind 127.0.0.1:${port}
  option forwardfor
  # A write in flight on an instance that dies may have been stored: only who sent it can send it again, with its key.
  http-request disable-l7-retry if METH_POST
  default_backend ${backend}

backend ${backend}
  balance roundrobin
  option httpchk
  http-check send meth GET uri /ready ver HTTP/1.1 hdr Host ${backend}
  # What is not a write goes to another instance, also when the first died while it answered.
  retries 3
  option redispatch 1
  retry-on conn-failure empty-response response-timeout
  http-response set-header x-served-by %s

frontend stats
  bind 127.0.0.1:${statsPort}
  stats enable
  stats uri /
  stats refresh 2s
  stats show-legends
  stats show-node
`;
}
