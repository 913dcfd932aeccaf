/** Whether anything takes connections at an address. Asks once, with a bound. */
import { connect } from "node:net";

const probeTimeoutMs = 1_000;

/** @param address `host:port` */
export function answers(address: string): Promise<boolean> {
  const at = address.lastIndexOf(":");
  return new Promise((answer) => {
    const socket = connect({ host: address.slice(0, at), port: Number(address.slice(at + 1)) });
    const end = (result: boolean) => {
      socket.destroy();
      answer(result);
    };
    socket.setTimeout(probeTimeoutMs, () => end(false));
    socket.on("connect", () => end(true));
    socket.on("error", () => end(false));
  });
}
