/** A binary heap whose nodes can be removed in any order. */

/** Node of a {@link Heap}; in one heap at a time. */
export interface HeapNode {
  /** Index in the heap, set by the heap; -1 outside. */
  position: number;
}

/** Nodes of which the first one is known. Adding and removing take time in the logarithm of their number. */
export class Heap<Node extends HeapNode> {
  readonly #nodes: Node[] = [];
  readonly #isBefore: (left: Node, right: Node) => boolean;

  /** @param isBefore a strict order of the nodes */
  constructor(isBefore: (left: Node, right: Node) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#nodes.length;
  }

  /** Returns the first node; undefined if the heap is empty. */
  peek(): Node | undefined {
    return this.#nodes[0];
  }

  add(node: Node): void {
    this.#nodes.push(node);
    this.#rise(node, this.#nodes.length - 1);
  }

  /** Removes and returns the first node. */
  pop(): Node | undefined {
    const [first] = this.#nodes;
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Removes a node; no effect if it is in no heap. */
  remove(node: Node): void {
    const { position } = node;
    if (position < 0) return;
    node.position = -1;
    const last = this.#nodes.pop();
    if (last === undefined || last === node) return;
    this.#sink(last, position);
    this.#rise(last, last.position);
  }

  clear(): void {
    for (const node of this.#nodes) node.position = -1;
    this.#nodes.length = 0;
  }

  /** Moves a node from an index towards the first one. */
  #rise(node: Node, from: number): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = this.#nodes[parent];
      if (above === undefined || !this.#isBefore(node, above)) break;
      this.#place(above, index);
      index = parent;
    }
    this.#place(node, index);
  }

  /** Moves a node from an index away from the first one. */
  #sink(node: Node, from: number): void {
    let index = from;
    for (;;) {
      const left = 2 * index + 1;
      const [first, second] = [this.#nodes[left], this.#nodes[left + 1]];
      if (first === undefined) break;
      const child = second !== undefined && this.#isBefore(second, first) ? left + 1 : left;
      const below = child === left ? first : second;
      if (below === undefined || !this.#isBefore(below, node)) break;
      this.#place(below, index);
      index = child;
    }
    this.#place(node, index);
  }

  #place(node: Node, index: number): void {
    this.#nodes[index] = node;
    node.position = index;
  }
}
