import { stoppingCommand } from "../stopping.ts";

export default stoppingCommand("restart");
