/** A list that follows data: rows stay the same elements while their key stays, so that focus and open details stay. */
export interface KeyedRow<Item> {
  readonly node: HTMLElement;
  update(item: Item): void;
}

export class KeyedList<Item> {
  readonly node: HTMLElement;
  readonly #keyOf: (item: Item) => string;
  readonly #create: (item: Item) => KeyedRow<Item>;
  readonly #rows = new Map<string, KeyedRow<Item>>();

  constructor(node: HTMLElement, keyOf: (item: Item) => string, create: (item: Item) => KeyedRow<Item>) {
    this.node = node;
    this.#keyOf = keyOf;
    this.#create = create;
  }

  update(items: readonly Item[]): void {
    const wanted = new Map(items.map((item) => [this.#keyOf(item), item]));
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      row.node.remove();
      this.#rows.delete(key);
    }
    let before: Element | null = this.node.firstElementChild;
    for (const [key, item] of wanted) {
      const row = this.#rows.get(key) ?? this.#create(item);
      this.#rows.set(key, row);
      row.update(item);
      if (row.node === before) before = before.nextElementSibling;
      else this.node.insertBefore(row.node, before);
    }
  }
}
