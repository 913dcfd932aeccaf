/** A path module for Node, bundled with JupyterLab's components, asks for the working folder of a process. */
export const process = { cwd: () => "/", env: {} as Readonly<Record<string, string>>, platform: "browser" };
