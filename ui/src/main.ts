import "./app.css";
import { mount } from "svelte";
import { DeskFeed } from "./feeds/desk.svelte";
import { openHost } from "./host";
import Desk from "./views/Desk.svelte";

const host = await openHost();
mount(Desk, { target: document.getElementById("desk")!, props: { host, feed: new DeskFeed(host) } });
