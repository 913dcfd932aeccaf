/** The page: composes services, notebook, header and notices, and opens the notebook that the address names. */
import "./styles.js";
import { PageConfig } from "@jupyterlab/coreutils";
import { SaveHandler } from "@jupyterlab/docmanager";
import { NotebookActions, type NotebookPanel } from "@jupyterlab/notebook";
import { ServerConnection, ServiceManager } from "@jupyterlab/services";
import { listIcon, notebookIcon } from "@jupyterlab/ui-components";
import { BoxLayout, BoxPanel, Widget } from "@lumino/widgets";
import { calmOutputs } from "./calm-outputs.js";
import { chartCounters, chartViews } from "./chart-drawing.js";
import { createCommands } from "./commands.js";
import { addCompletion } from "./completion.js";
import { createDashboard } from "./dashboard.js";
import { DataPanel } from "./data-panel.js";
import { FilesClient } from "./files-client.js";
import { addressOf, FilesPanel } from "./files-panel.js";
import { createFind } from "./find.js";
import { Frame } from "./frame.js";
import { Header } from "./header.js";
import { Hint } from "./hint.js";
import { announceHost } from "./host-comm.js";
import { connectHover } from "./hover.js";
import { createInspectTooltip } from "./inspect-tooltip.js";
import { KnowingDrive } from "./knowing-drive.js";
import { onLostAtSave } from "./lost-at-save.js";
import { createNotebook, type OpenNotebook } from "./notebook.js";
import { Notices } from "./notices.js";
import { requireNotebook, showOpenFailure } from "./open-failure.js";
import { PanelClient } from "./panel-client.js";
import { patientFetch } from "./patient-fetch.js";
import { reattachDisplays } from "./reattach.js";
import { noteOpened } from "./recent.js";
import { ResultChoices } from "./result-choice.js";
import { ResultRowsSource } from "./result-rows-source.js";
import { ResumableSocket } from "./resumable-socket.js";
import { runByPrompt } from "./run-prompt.js";
import { shutOutOthers } from "./shut-out.js";
import { Side, type SidePanel } from "./side.js";
import { startOver } from "./start-over.js";
import { takeStillsAtSave } from "./stills.js";
import { showTimes } from "./timing.js";
import { viewLinkClient } from "./view-link-client.js";

const autosaveEverySeconds = 60;

declare global {
  interface Window {
    /** For tests and for the curious at the console: nothing in the page reads it. */
    tidetable?: OpenNotebook & { readonly charts: typeof chartCounters; readonly chartViews: typeof chartViews };
  }
}

async function open(): Promise<void> {
  // The server takes JSON only, which no form of another site can send.
  const serverSettings = ServerConnection.makeSettings({
    init: { headers: { "Content-Type": "application/json" } },
    WebSocket: ResumableSocket,
    fetch: patientFetch,
  });
  const services = new ServiceManager({ serverSettings, defaultDrive: new KnowingDrive({ serverSettings }) });
  const path = PageConfig.getOption("notebookPath");
  try {
    await requireNotebook(services, path);
  } catch (error) {
    showOpenFailure(services, error);
    return;
  }
  const { context, panel } = createNotebook(services, path);
  const frame = new Frame();
  const commands = createCommands({
    context,
    panel,
    completion: addCompletion(panel),
    tooltip: createInspectTooltip(panel),
    find: createFind(panel),
    dashboard: createDashboard(
      () => frame.update(),
      viewLinkClient(services, () => context.localPath),
    ),
    shutOutOthers: () => shutOutOthers(services),
  });
  showTimes(panel);
  calmOutputs(context.model);
  takeStillsAtSave(context);
  reattachDisplays(panel);
  announceHost(context.sessionContext);
  runByPrompt(panel, () => commands.execute("run-in-place"));

  const panelClient = new PanelClient(context.sessionContext);
  ResultChoices.connect(panel.content);
  ResultRowsSource.connect(panelClient);
  connectHover(panelClient, context.sessionContext);
  const side = new Side(sidePanels({ context, panel }, services, panelClient));
  const notices = new Notices(context, commands, () => startOver(services, context.sessionContext));
  onLostAtSave(
    services,
    () => context.localPath,
    (lost) => notices.tellLost(lost),
  );
  const [header, hint] = [new Header(context, commands), new Hint()];
  show(header, notices, hint, side, panel);
  side.restore();
  frame.surround([header, hint, side]);
  document.addEventListener("keydown", (event) => commands.processKeydownEvent(event), true);
  warnBeforeLeaving(() => context.model.dirty);
  window.tidetable = { context, panel, charts: chartCounters, chartViews };

  await context.initialize(false);
  openingIsNoEdit(context);
  document.getElementById("opening")?.remove();
  panel.content.activeCellIndex = 0;
  panel.content.activate();
  new SaveHandler({ context, saveInterval: autosaveEverySeconds }).start();
  noteOpened(context.localPath);
  followPath(context);
  document.body.dataset.ready = "true";
}

function sidePanels({ context, panel }: OpenNotebook, services: ServiceManager, client: PanelClient): SidePanel[] {
  const files = new FilesPanel(new FilesClient(services), {
    path: () => context.localPath,
    content: () => context.model.toJSON(),
    save: async () => {
      if (context.model.dirty) await context.save();
    },
  });
  const data = new DataPanel(client, {
    insert: (source) => insertCell(panel, source),
    run: async (source) => {
      insertCell(panel, source);
      await NotebookActions.run(panel.content, context.sessionContext);
      // With what it shows.
      panel.content.activeCell?.node.scrollIntoView({ block: "center" });
    },
  });
  return [
    { id: "files", label: "Files", icon: notebookIcon, node: files.node, shown: () => void files.refresh() },
    { id: "data", label: "Streams", icon: listIcon, node: data.node, shown: () => {} },
  ];
}

function insertCell(panel: NotebookPanel, source: string): void {
  const notebook = panel.content;
  NotebookActions.insertBelow(notebook);
  notebook.activeCell?.model.sharedModel.setSource(source);
  notebook.mode = "command";
  notebook.activate();
  notebook.activeCell?.node.scrollIntoView({ block: "nearest" });
}

/** A renamed notebook keeps its page: the address and the title follow. */
function followPath(context: OpenNotebook["context"]): void {
  context.pathChanged.connect(() => {
    history.replaceState(null, "", addressOf(context.localPath));
    document.title = `${context.localPath
      .split("/")
      .at(-1)
      ?.replace(/\.(ipynb|zpln)$/, "")} · Tidetable`;
  });
}

/** JupyterLab writes the language and the kernel into the notebook's metadata when it learns them. */
function openingIsNoEdit({ model, sessionContext }: OpenNotebook["context"]): void {
  const cellsOf = () => JSON.stringify([...model.cells].map((cell) => cell.toJSON()));
  const opened = cellsOf();
  model.dirty = false;
  const forgive = () => {
    if (model.dirty && cellsOf() === opened) model.dirty = false;
  };
  const forgiveOnce = () => {
    const kernel = sessionContext.session?.kernel;
    if (kernel == null) return;
    sessionContext.kernelChanged.disconnect(forgiveOnce);
    Promise.all([kernel.info, kernel.spec]).then(
      () => setTimeout(forgive),
      () => forgive(),
    );
  };
  sessionContext.kernelChanged.connect(forgiveOnce);
  forgiveOnce();
}

function show(header: Widget, notices: Widget, hint: Widget, side: Widget, panel: Widget): void {
  const middle = new BoxPanel({ direction: "left-to-right", spacing: 0 });
  middle.addWidget(side);
  middle.addWidget(panel);
  BoxPanel.setStretch(side, 0);
  BoxPanel.setStretch(panel, 1);
  const layout = new BoxLayout({ direction: "top-to-bottom", spacing: 0 });
  for (const [widget, stretch] of [
    [header, 0],
    [notices, 0],
    [hint, 0],
    [middle, 1],
  ] as const) {
    layout.addWidget(widget);
    BoxLayout.setStretch(widget, stretch);
  }
  const main = new Widget();
  main.id = "main";
  main.layout = layout;
  Widget.attach(main, document.body);
  window.addEventListener("resize", () => {
    // What is higher in a narrow window says so by its style, which is read when it is asked to fit.
    main.fit();
    main.update();
  });
}

/** The next autosave may be up to a minute away. */
function warnBeforeLeaving(isDirty: () => boolean): void {
  window.addEventListener("beforeunload", (event) => {
    if (isDirty()) event.preventDefault();
  });
}

open().catch((error: unknown) => {
  const place = document.getElementById("opening") ?? document.body.appendChild(document.createElement("div"));
  place.id = "opening";
  place.textContent = `The notebook could not be opened: ${error instanceof Error ? error.message : String(error)}`;
});
