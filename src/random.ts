/** Random numbers that are the same for the same seed and index, so that any tweet can be made without the ones before it. Pure. */

export interface Random {
  /** In [0, 1). */
  fraction(): number;
  /** A whole number in [0, end). */
  below(end: number): number;
  pick<T>(choices: readonly [T, ...T[]]): T;
  /** 32 random bits as eight hexadecimal digits. */
  hex(): string;
}

export function randomAt(seed: number, index: number): Random {
  // Index and seed are mixed before use: neighbours must not look alike. The index may pass 32 bits.
  let state = mix(mix(seed | 0) ^ mix((index % 0x1_0000_0000) | 0) ^ Math.floor(index / 0x1_0000_0000));
  const next = (): number => {
    // Mulberry32.
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  const fraction = () => next() / 0x1_0000_0000;
  const below = (end: number) => Math.floor(fraction() * end);
  return {
    fraction,
    below,
    pick: (choices) => choices[below(choices.length)] ?? choices[0],
    hex: () => next().toString(16).padStart(8, "0"),
  };
}

/** Spreads the bits of a 32-bit number (the finalizer of MurmurHash3). */
function mix(bits: number): number {
  let h = bits;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
