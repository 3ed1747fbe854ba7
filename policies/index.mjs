/** Entry point of the pack in JavaScript, which the engine requires. Node strips the types of the other modules. */
import "./index.ts";
