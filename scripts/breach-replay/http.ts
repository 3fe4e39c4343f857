export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly bytes: Buffer;
  /** An empty object when the answer is no JSON. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Call {
  readonly token?: string | undefined;
  readonly body?: object | undefined;
  readonly upload?: { readonly bytes: Uint8Array; readonly type: string };
}

const PATIENCE = 3;
const LONGEST_WAIT_MS = 5000;

/** One request. A server that asks for a little patience gets it, three times; who asks for more than five seconds has refused. */
export async function request(baseUrl: string, method: string, path: string, call: Call = {}): Promise<Answer> {
  for (let turn = 1; ; turn += 1) {
    const answer = await once(baseUrl, method, path, call);
    const wait = Number(answer.body['retry_after_ms'] ?? 500);
    if (answer.status !== 429 || turn > PATIENCE || wait > LONGEST_WAIT_MS) return answer;
    await new Promise((done) => setTimeout(done, wait));
  }
}

/** One request that has to succeed. */
export async function must<Body>(baseUrl: string, method: string, path: string, call: Call = {}): Promise<Body> {
  const answer = await request(baseUrl, method, path, call);
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.bytes.toString().slice(0, 300)}`);
  return answer.body as Body;
}

/** The same, over any number of things, eight at a time; the results in the order of the things. */
export async function each<Item, Result>(items: readonly Item[], work: (item: Item, index: number) => Promise<Result>): Promise<readonly Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  await Promise.all(Array.from({ length: 8 }, async () => {
    for (const [i, item] of queue) results[i] = await work(item, i);
  }));
  return results;
}

/** A path whose inserted parts are percent-encoded. */
export function path(texts: TemplateStringsArray, ...values: readonly string[]): string {
  return String.raw({ raw: texts }, ...values.map(encodeURIComponent));
}

async function once(baseUrl: string, method: string, path: string, { token, body, upload }: Call): Promise<Answer> {
  const headers: Record<string, string> = {};
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (upload !== undefined) headers['content-type'] = upload.type;
  const sent = upload?.bytes ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(`${baseUrl}${path}`, { method, headers, ...(sent === undefined ? {} : { body: sent as string }), redirect: 'manual' });
  const bytes = Buffer.from(await response.arrayBuffer());
  const type = response.headers.get('content-type') ?? '';
  return { status: response.status, type, bytes, body: type.startsWith('application/json') ? parsed(bytes) : {} };
}

function parsed(bytes: Buffer): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(bytes.toString() || '{}');
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
