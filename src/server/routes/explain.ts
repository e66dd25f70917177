import { GantryError } from "../../base/errors.ts";
import { type Explainer, type SectionName, SECTIONS } from "../../engine/explain/explainer.ts";
import type { Call, Route } from "../call.ts";

export interface ExplainRoutesDeps {
  explainer: Explainer;
}

/** GET /gantry/explain/containers/{name}?sections=cgroup,network, …/images/{name} and …/networks/{name}. */
export function explainRoutes({ explainer }: ExplainRoutesDeps): Route[] {
  const route = (path: string, answer: (call: Call) => object | Promise<object>): Route => ({
    method: "GET",
    path: `/gantry/explain/${path}`,
    handler: async (call) => call.send(200, await answer(call)),
  });
  return [
    route("containers/:name", (call) => explainer.container(call.param("name"), sectionsOf(call))),
    route("images/*", (call) => explainer.image(call.param("*"))),
    route("networks/:name", (call) => explainer.network(call.param("name"))),
  ];
}

function sectionsOf(call: Call): SectionName[] | undefined {
  const text = call.query.get("sections");
  if (text === null || text === "") return undefined;
  return text.split(",").map((name) => {
    const known = SECTIONS.find((section) => section === name);
    if (known !== undefined) return known;
    throw new GantryError("invalid", "BAD_QUERY", `there is no section ${JSON.stringify(name)}`, {
      hint: `there are: ${SECTIONS.join(", ")}`,
    });
  });
}
