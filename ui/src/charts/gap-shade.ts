/** Shades the bars whose minute has a hole in it, behind the candles. */
import type { IChartApi, IPrimitivePaneRenderer, IPrimitivePaneView, ISeriesPrimitive, SeriesAttachedParameter, Time } from "lightweight-charts";
import type { PlotBar } from "./bars";

export class GapShade implements ISeriesPrimitive<Time> {
  colour = "";
  #chart: IChartApi | null = null;

  constructor(private readonly held: () => readonly PlotBar[]) {}

  attached({ chart }: SeriesAttachedParameter<Time>) {
    this.#chart = chart as IChartApi;
  }

  detached() {
    this.#chart = null;
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return this.#views;
  }

  readonly #renderer: IPrimitivePaneRenderer = {
    draw: (target) =>
      target.useBitmapCoordinateSpace(({ context, bitmapSize, horizontalPixelRatio }) => {
        const scale = this.#chart?.timeScale();
        const range = scale?.getVisibleLogicalRange();
        if (!scale || !range) return;
        const bars = this.held();
        const half = scale.options().barSpacing / 2;
        context.fillStyle = this.colour;
        for (let index = Math.max(0, Math.floor(range.from)); index <= Math.min(bars.length - 1, Math.ceil(range.to)); index++) {
          if (bars[index]!.quality !== "gap") continue;
          const centre = scale.logicalToCoordinate(index as Parameters<typeof scale.logicalToCoordinate>[0]);
          if (centre === null) continue;
          const left = Math.round((centre - half) * horizontalPixelRatio);
          context.fillRect(left, 0, Math.round((centre + half) * horizontalPixelRatio) - left, bitmapSize.height);
        }
      }),
  };

  readonly #views: readonly IPrimitivePaneView[] = [{ zOrder: () => "bottom", renderer: () => this.#renderer }];
}
