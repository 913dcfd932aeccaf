/**
 * The JSON that JupyterLab's components expect from a server, made from our own values. Wire spelling ends here. Pure.
 */
import type { Checkpoint, FolderEntry, NotebookFile } from "./contents.js";
import type { KernelStatus } from "./kernels.js";
import type { Session } from "./sessions.js";

export const kernelName = "tidetable";

export const kernelspecs = {
  default: kernelName,
  kernelspecs: {
    [kernelName]: {
      name: kernelName,
      spec: {
        argv: [],
        env: {},
        display_name: "Tidetable (TypeScript)",
        language: "typescript",
        interrupt_mode: "message",
        metadata: {},
      },
      resources: {},
    },
  },
};

export const identity = {
  identity: { username: "owner", name: "Owner", display_name: "Owner", initials: "O", avatar_url: null, color: null },
  permissions: {},
};

export function kernelModel(kernel: KernelStatus): Record<string, unknown> {
  return {
    id: kernel.id,
    name: kernelName,
    last_activity: iso(kernel.lastActivityMs),
    execution_state: kernel.state,
    connections: 1,
    ...(kernel.reason === undefined ? {} : { reason: kernel.reason }),
  };
}

export function sessionModel(session: Session, kernel: KernelStatus | undefined): Record<string, unknown> {
  const { id, path, name, type } = session;
  return { id, path, name, type, kernel: kernel === undefined ? null : kernelModel(kernel), notebook: { path, name } };
}

export function notebookModel(file: NotebookFile, withContent: boolean): Record<string, unknown> {
  return {
    name: file.name,
    path: file.path,
    type: "notebook",
    writable: file.writable,
    created: iso(file.createdAtMs),
    last_modified: iso(file.modifiedAtMs),
    mimetype: null,
    size: file.bytes,
    hash: file.sha256,
    hash_algorithm: "sha256",
    format: withContent ? "json" : null,
    content: withContent ? file.content : null,
    // Not Jupyter's: what the save could not put into a Zeppelin note.
    ...(file.lost === undefined ? {} : { lost: file.lost }),
  };
}

export function folderModel(path: string, entries: readonly FolderEntry[] | null): Record<string, unknown> {
  return {
    ...entryModel({ path, name: path.split("/").at(-1) ?? "", kind: "folder", modifiedAtMs: 0 }),
    format: entries === null ? null : "json",
    content: entries?.map(entryModel) ?? null,
  };
}

function entryModel(entry: FolderEntry): Record<string, unknown> {
  const { path, name, kind } = entry;
  const modified = iso(entry.modifiedAtMs);
  return {
    name,
    path,
    type: kind === "folder" ? "directory" : "notebook",
    writable: true,
    created: modified,
    last_modified: modified,
    mimetype: null,
    format: null,
    content: null,
  };
}

export function checkpointModel(checkpoint: Checkpoint): Record<string, unknown> {
  return { id: checkpoint.id, last_modified: iso(checkpoint.createdAtMs) };
}

function iso(instantMs: number): string {
  return new Date(instantMs).toISOString();
}
