/**
 * The notebook's scope: one object whose properties are the top-level names of every cell that has run. A variable is
 * live: a function of cell 1 and an assignment in cell 2 see the same one, because the property reads and writes the
 * variable where it was declared.
 */

/** How a cell's compiled code exposes one of its top-level names. */
export interface Binding {
  readonly name: string;
  /** Throws a ReferenceError while the declaration has not been reached. */
  readonly read: () => unknown;
  /** Absent for constants. */
  readonly write?: (value: unknown) => void;
}

export class Namespace {
  /** What compiled cells receive as `exports`. */
  readonly object: Record<string, unknown> = {};

  /**
   * Takes over the names of a cell that has ended. Names it reached become live; names it did not reach (it threw
   * before, or never began) stay what they were.
   * @returns the names it did not reach
   */
  settle(names: readonly string[], bindings: readonly Binding[]): string[] {
    const settled = new Set(bindings.filter((binding) => this.#settle(binding)).map((binding) => binding.name));
    keepFast(this.object);
    return names.filter((name) => !settled.has(name));
  }

  define(name: string, value: unknown): void {
    Object.defineProperty(this.object, name, { value, writable: true, enumerable: true, configurable: true });
  }

  #settle({ name, read, write }: Binding): boolean {
    let value: unknown;
    try {
      value = read();
    } catch {
      // Not initialised: the cell ended before this declaration.
      return false;
    }
    if (write === undefined) this.define(name, value);
    else Object.defineProperty(this.object, name, { get: read, set: write, enumerable: true, configurable: true });
    return true;
  }
}

/**
 * An object whose properties were redefined is a hash table to V8, and a loop over an earlier cell's variable three
 * times slower. Objects that serve as a prototype are kept in the fast form.
 */
function keepFast(object: object): void {
  class User {}
  Object.setPrototypeOf(User.prototype, object);
  Reflect.get(new User(), "anything");
}
