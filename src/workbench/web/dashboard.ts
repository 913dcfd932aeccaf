/**
 * The dashboard: outputs and text alone, laid out over the width of the window. The address says that it is one, so that
 * a link leads to it. Also where view-only links are made and withdrawn.
 */
import { element, messageOf, pressButton } from "./dom.js";

const parameter = "view";
const value = "dashboard";

export interface Dashboard {
  toggle(): void;
}

export interface DashboardLinks {
  /** @returns an address that shows the outputs of this notebook and can do nothing else */
  make(): Promise<string>;
  /** Every link that was made leads nowhere from then on. */
  withdraw(): Promise<void>;
}

export function createDashboard(onChange: () => void, links: DashboardLinks): Dashboard {
  const leave = pressButton({ label: "Back to the notebook", className: "tt-small-button tt-leave-dashboard" }, () =>
    become(false),
  );
  const full = pressButton({ label: "Full screen", className: "tt-small-button" }, () =>
    document.fullscreenElement === null ? document.documentElement.requestFullscreen() : document.exitFullscreen(),
  );
  const place = element("div", "tt-view-link");
  place.hidden = true;
  const link = pressButton({ label: "View-only link", className: "tt-small-button" }, () => showLink(place, links));
  const bar = element("div", "tt-dashboard-bar", link, full, leave, place);
  document.body.append(bar);

  const become = (isDashboard: boolean) => {
    document.body.toggleAttribute("data-dashboard", isDashboard);
    place.hidden = true;
    const url = new URL(location.href);
    if (isDashboard) url.searchParams.set(parameter, value);
    else url.searchParams.delete(parameter);
    history.replaceState(null, "", url);
    onChange();
  };
  if (new URL(location.href).searchParams.get(parameter) === value) become(true);
  return { toggle: () => become(!document.body.hasAttribute("data-dashboard")) };
}

async function showLink(place: HTMLElement, links: DashboardLinks): Promise<void> {
  const address = element("input", "");
  address.readOnly = true;
  address.setAttribute("aria-label", "View-only link");
  // The page has keys of its own for the cells.
  address.addEventListener("keydown", (event) => event.stopPropagation());
  const said = element("span", "tt-quiet");
  said.setAttribute("role", "status");
  const withdraw = pressButton({ label: "Withdraw all links" }, async () => {
    await links.withdraw();
    address.value = "";
    said.textContent = "No link leads here any more.";
  });
  place.replaceChildren(address, said, withdraw);
  place.hidden = false;
  try {
    address.value = await links.make();
    address.select();
    await navigator.clipboard.writeText(address.value);
    said.textContent = "Copied. Who has it sees what is shown here, live; it runs, saves and reads nothing else.";
  } catch (error) {
    // A browser may keep the clipboard to itself; the address is there to be copied by hand.
    said.textContent =
      address.value === "" ? messageOf(error) : "Copy this address; it shows outputs, live, and no more.";
  }
}
