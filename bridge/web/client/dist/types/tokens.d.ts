/** Access tokens: given once, asked for when needed, or none, where a cookie speaks for the page. */
export type TokenSource = string | (() => Promise<string>);
export declare class Tokens {
    #private;
    /** Gives the next one, where the application can. */
    readonly next: (() => Promise<string>) | undefined;
    constructor(source?: TokenSource);
    /** One that is good now; null where there is none to send. */
    readonly current: () => Promise<string | null>;
    /** The user's id as the token has it; null where there is none to read. */
    user(): Promise<string | null>;
}
