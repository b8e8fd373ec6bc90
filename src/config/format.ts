/** How one kind of value is written: what a person is told to write, how it is told apart, how it is read from an environment variable. */
export interface Format {
  expected(limits: Limits): string;
  matches(value: unknown, limits: Limits): boolean;
  /** Gives the value an environment variable stands for; the text itself where it stands for none. */
  fromText(text: string): unknown;
}

export interface Limits {
  readonly min?: number;
  readonly max?: number;
}

const maxTextLength = 4096;

/** A text of one line. */
export const isText = (value: unknown): value is string =>
  typeof value === "string" &&
  value !== "" &&
  value.length <= maxTextLength &&
  !/[\u0000-\u001f\u007f]/.test(value);

export const sameText = (text: string): unknown => text;
