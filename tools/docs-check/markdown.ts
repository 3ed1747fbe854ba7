/** Reads links, anchors of headings, commands and file names from a Markdown page. */

/** A link or a picture. */
export interface Link {
  readonly target: string;
  /** Line number, from 1. */
  readonly line: number;
}

interface Line {
  readonly text: string;
  readonly number: number;
  /** True if the line is in an indented or fenced code block. */
  readonly code: boolean;
}

/** Returns the page's lines. An indented code block begins after a blank line, with four spaces more than the text of a list item. */
function linesOf(markdown: string): Line[] {
  let fence: string | undefined;
  let indented = false;
  let blank = true;
  /** Column of the text in the list's items; 0 outside lists. */
  let offset = 0;
  return markdown.split("\n").flatMap((text, index) => {
    const mark = /^\s*(`{3,}|~{3,})/.exec(text)?.[1];
    if (mark !== undefined && (fence === undefined || mark.startsWith(fence))) {
      fence = fence === undefined ? mark : undefined;
      return [];
    }
    if (fence === undefined) {
      if (/^\S/.test(text)) offset = /^(?:[-*+]|\d+[.)]) +/.exec(text)?.[0].length ?? 0;
      const deep = text.length - text.trimStart().length >= offset + 4;
      indented = text.trim() === "" ? indented : deep && (indented || blank);
    }
    blank = text.trim() === "";
    return [{ text, number: index + 1, code: fence !== undefined || (indented && !blank) }];
  });
}

/** Returns every link and picture outside code, in Markdown or HTML. */
export function linksIn(markdown: string): Link[] {
  return linesOf(markdown)
    .filter(({ code }) => !code)
    .flatMap(({ text, number }) => {
      const prose = text.replaceAll(/`[^`]*`/g, "");
      const found = [
        ...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g),
        ...prose.matchAll(/^\[[^\]]+\]:\s*(\S+)/g),
        ...prose.matchAll(/<(?:img|source|a)\s[^>]*?(?:src|srcset|href)="([^"]+)"/g),
      ];
      return found.map(([, target = ""]) => ({ target, line: number }));
    });
}

/** Returns the page's anchors: those that GitHub generates for headings, and those in HTML tags. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  const seen = new Map<string, number>();
  for (const { text, code } of linesOf(markdown)) {
    if (code) continue;
    for (const [, id = ""] of text.matchAll(/<a\s[^>]*?(?:id|name)="([^"]+)"/g)) anchors.add(id);
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(text)?.[1];
    if (heading === undefined) continue;
    const slug = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}_\- ]/gu, "")
      .replaceAll(" ", "-");
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    anchors.add(count === 0 ? slug : `${slug}-${count}`);
  }
  return anchors;
}

/** Matches a line of a code block that is a command, not output. */
const program = /^(?:\w+="?\$\(|\w+=\S+ +)?(?:npm|npx|node|pulumi|aws|gh|git|eval|source|curl|cd|export|python3?)\b/;

/** Returns the commands in the page's code blocks, without comments; joins lines that end with a backslash. */
export function commandsIn(markdown: string): string[] {
  const commands: string[] = [];
  let open: string | undefined;
  for (const { text, code } of linesOf(markdown)) {
    const line = text.trim();
    if (!code || (open === undefined && !program.test(line))) {
      open = undefined;
      continue;
    }
    const command = `${open ?? ""} ${line.replace(/\s+#\s.*$/, "")}`.trim();
    if (command.endsWith("\\")) {
      open = command.slice(0, -1).trim();
      continue;
    }
    open = undefined;
    commands.push(command.replaceAll(/\s+/g, " "));
  }
  return commands;
}

/** Returns the texts in backticks outside code blocks. */
export function quotedIn(markdown: string): string[] {
  return linesOf(markdown)
    .filter(({ code }) => !code)
    .flatMap(({ text }) => [...text.matchAll(/`([^`]+)`/g)].map(([, quoted = ""]) => quoted));
}

/** Returns the npm scripts that a text runs: `npm run NAME`, with or without flags, `npm start` and `npm test`. */
export function npmScriptsIn(text: string): string[] {
  const named = [...text.matchAll(/\bnpm run (?:-s |--silent )?([\w:-]+)/g)].map(([, name = ""]) => name);
  const own = [...text.matchAll(/\bnpm (start|test)\b/g)].map(([, name = ""]) => name);
  return [...named, ...own];
}

/** Returns whether a text in backticks is a path in the repository: a folder, or a file with a known extension. */
export function isPath(quoted: string): boolean {
  return /^\.?[\w@][\w@.<>*{},-]*(\/[\w@.<>*{},-]+)*(\/|\.(ts|mjs|js|py|json|md|ya?ml|svg|gif|mp4|toml|txt))$/.test(
    quoted,
  );
}
