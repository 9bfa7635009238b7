/** Dictionary of format version 1 (docs/wire-format.md, section 6); a test compares it with the published one. */
export type Kind = "text" | "decimal" | "enum" | "number" | "bool" | "map";
export declare const EVENTS: Readonly<Record<string, number>>;
/** Name: code, kind. */
export declare const FIELDS: Readonly<Record<string, readonly [number, Kind]>>;
/** Values of an enum field, coded by their place, from 1. */
export declare const VALUES: Readonly<Record<string, readonly string[]>>;
