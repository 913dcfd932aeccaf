/** The styles in the order in which they override each other: theme, JupyterLab's components, ours. */
import "@jupyterlab/theme-light-extension/style/theme.css";
import "./dark-theme.css";
import "@jupyterlab/notebook/style/index.js";
import "@jupyterlab/completer/style/index.js";
import "@jupyterlab/documentsearch/style/index.js";
import "@jupyterlab/json-extension/style/index.js";
import "./page.css";
import "./side.css";
import "./results.css";
import "./dashboard.css";
import "./view.css";
