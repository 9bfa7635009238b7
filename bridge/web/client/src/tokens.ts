/** Access tokens: given once, asked for when needed, or none, where a cookie speaks for the page. */

export type TokenSource = string | (() => Promise<string>);

const SPARE_S = 5; // a token that ends sooner than this is asked for anew

export class Tokens {
  #last: string | null;
  /** Gives the next one, where the application can. */
  readonly next: (() => Promise<string>) | undefined;

  constructor(source?: TokenSource) {
    this.#last = typeof source === "string" ? source : null;
    this.next = typeof source === "function" ? async () => (this.#last = await source()) : undefined;
  }

  /** One that is good now; null where there is none to send. */
  readonly current = async (): Promise<string | null> => {
    if (this.next === undefined) return this.#last;
    const { exp = 0 } = claimsOf(this.#last);
    return Number(exp) * 1000 > Date.now() + SPARE_S * 1000 ? this.#last : this.next();
  };

  /** The user's id as the token has it; null where there is none to read. */
  async user(): Promise<string | null> {
    const { id, userId, sub } = claimsOf(await this.current().catch(() => null));
    const user = id ?? userId ?? sub ?? null;
    return user === null ? null : String(user);
  }
}

function claimsOf(token: string | null): Record<string, unknown> {
  try {
    const [, payload = ""] = (token ?? "").split(".");
    return JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))) as Record<string, unknown>;
  } catch {
    return {};
  }
}
