/** The same, to be run beside it. */
import "./hanging-suite.js";
