/** What `package-lock.json` says of one installed package. */
interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
}

export interface Lockfile {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

/** A package that is in the product. */
export interface Component {
  readonly name: string;
  readonly version: string;
  /** Its short name; undefined where the package has nothing but a text. */
  readonly licence: string | undefined;
  /** Where it is, named from the checkout on. */
  readonly folder: string;
}

/**
 * The packages that files of a bundle came from, by name and version. Throws when one of them is not in the lockfile.
 */
export function findComponents(lockfile: Lockfile, inputs: readonly string[]): readonly Component[] {
  const folders = new Set(inputs.flatMap((input) => folderOf(input) ?? []));
  return [...folders]
    .map((folder) => {
      const { version, license: licence } = lockfile.packages[folder] ?? {};
      if (version === undefined)
        throw new Error(`${folder} is in the bundle, and package-lock.json does not know it.`);
      return { name: folder.replace(/^.*node_modules\//, ""), version, licence, folder };
    })
    .toSorted((a, b) => (titleOf(a) < titleOf(b) ? -1 : 1));
}

/** `node_modules/a/node_modules/@b/c` of `node_modules/a/node_modules/@b/c/d/e.js`; undefined for our own files. */
function folderOf(input: string): string | undefined {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
}

const titleOf = ({ name, version }: Component): string => `${name} ${version}`;

const withTerms = (component: Component): string =>
  `${titleOf(component)} (${component.licence ?? "its text follows"})`;

const rule = "-".repeat(78);

export interface CopyrightTexts {
  /** Our own licence. */
  readonly own: string;
  /** The licence of Node.js with those of what is in it. */
  readonly node: string;
  readonly nodeVersion: string;
  /** The text that a package brings along; undefined where it brings none. */
  readonly textOf: (component: Component) => string | undefined;
}

/**
 * Debian's copyright file: every component with its terms; each text once, however many are under it. Throws when nobody
 * knows the terms of a component.
 */
export function renderCopyright(components: readonly Component[], texts: CopyrightTexts): string {
  const byText = new Map<string, Component[]>();
  for (const component of components) {
    const text = texts.textOf(component)?.replaceAll("\r\n", "\n").trim();
    if (text === undefined && component.licence === undefined)
      throw new Error(
        `Nobody knows the terms of ${titleOf(component)}: it names no licence and brings no text.`,
      );
    const key = text ?? `(It brings no text along; its package names the licence ${component.licence}.)`;
    byText.set(key, [...(byText.get(key) ?? []), component]);
  }
  const list = components.map((component) => `  ${withTerms(component)}`);
  const sections = [...byText].map(([text, group]) => `${group.map(withTerms).join("\n")}\n\n${text}`);
  return `${[
    `spotlive\n\n${texts.own.trim()}`,
    `In the files below /usr/lib/spotlive are, unchanged but for being joined, these packages of npm, where their sources are under\nthe same names and versions:\n\n${list.join("\n")}\n\nand /usr/lib/spotlive/bin/node is Node.js ${texts.nodeVersion}.`,
    ...sections,
    `Node.js ${texts.nodeVersion}\n\n${texts.node.trim()}`,
  ].join(`\n\n${rule}\n\n`)}\n`;
}
