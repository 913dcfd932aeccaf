/** How a command says how far it is: a bar that stays in its line on a terminal, elsewhere a line now and then. */
import type { CommandContext } from "./command.js";

const lineEveryMs = 5_000;
const barWidth = 24;

export function progressTeller<Progress>(
  context: CommandContext,
  /** Without a share nobody knows how much there is. */
  look: (progress: Progress) => { readonly share?: number; readonly text: string },
): (progress: Progress) => void {
  let toldAtMs = performance.now();
  return (progress) => {
    const { share, text } = look(progress);
    const percent = share === undefined ? "" : `${Math.floor(share * 100)} %  `;
    if (context.status !== undefined) {
      const filled = Math.round(Math.min(1, share ?? 0) * barWidth);
      const bar = share === undefined ? "" : `${"█".repeat(filled)}${"░".repeat(barWidth - filled)} `;
      context.status(`${bar}${percent}${text}`);
      return;
    }
    if (performance.now() - toldAtMs < lineEveryMs) return;
    toldAtMs = performance.now();
    context.warn(`${percent}${text}`);
  };
}

export function number(value: number): string {
  return Math.round(value).toLocaleString("en");
}

export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 90 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
