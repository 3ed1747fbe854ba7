/** What the engine loads: it asks for JavaScript, and Node runs the rest as it stands. */
import "./index.ts";
