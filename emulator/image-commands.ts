/** Local commands that stand for container images: the option --image. */

/** A local command for the images of a repository. */
export interface ImageCommand {
  /** The repository's URI, or the start of an image's URI that ends before `/`, `:` or `@`. */
  readonly image: string;
  /** For sh(1). */
  readonly command: string;
}

/** Parses `IMAGE=COMMAND`; undefined if it has another form. */
export function parseImageCommand(text: string): ImageCommand | undefined {
  const [, image, command] = /^([^\s=]+)=(.*\S.*)$/s.exec(text) ?? [];
  return image === undefined || command === undefined ? undefined : { image, command };
}

/** Returns the command of an image, by the longest matching repository; undefined if none matches. */
export function commandOf(commands: readonly ImageCommand[], image: string): string | undefined {
  const matching = commands.filter((one) => one.image === image || /^[/:@]/.test(after(image, one.image)));
  return matching.sort((a, b) => b.image.length - a.image.length)[0]?.command;
}

function after(text: string, start: string): string {
  return text.startsWith(start) ? text.slice(start.length) : "";
}
