/** Everything a device sent and received over HTTP, kept to be searched for what should never have been there. */
export class Wire {
  readonly #seen: string[] = [];

  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    this.#seen.push(input instanceof Request ? input.url : String(input), await textOf(init?.body));
    const response = await globalThis.fetch(input, init);
    const copy = response.clone();
    void copy.text().then((text) => this.#seen.push(text), () => undefined);
    return response;
  };

  leaks(plaintexts: readonly string[]): readonly string[] {
    return plaintexts.filter((plaintext) => this.#seen.some((text) => text.includes(plaintext)));
  }
}

async function textOf(body: unknown): Promise<string> {
  if (typeof body === 'string') return body;
  if (body instanceof Uint8Array) return new TextDecoder('latin1').decode(body);
  if (body instanceof Blob) return new TextDecoder('latin1').decode(await body.arrayBuffer());
  return '';
}
