/**
 * JupyterLab's sanitiser of markup that others wrote, without what only pretends to be the page: forms and their fields, and
 * buttons that carry commands. What is left cannot leave its place either; see `page.css`.
 */
import { Sanitizer } from "@jupyterlab/apputils";

type SanitizerOptions = NonNullable<Parameters<Sanitizer["sanitize"]>[1]>;

/** The check boxes of a list of tasks stay; JupyterLab has them disabled. */
const pretending = new Set(["form", "button", "select", "textarea", "option", "optgroup"]);

/** Of the library that JupyterLab's sanitiser stands on, which is handed every option. */
const stricter: SanitizerOptions & { exclusiveFilter(frame: { readonly tag: string }): boolean } = {
  exclusiveFilter: ({ tag }) => pretending.has(tag),
};

export class StrictSanitizer extends Sanitizer {
  constructor() {
    super();
    this.setAllowCommandLinker(false);
  }

  override sanitize(dirty: string, options?: SanitizerOptions): string {
    return super.sanitize(dirty, { ...options, ...stricter });
  }
}
