// What the page draws with: bars, lines and what belongs to them. Everything else of ECharts stays out.
import { init, use } from "echarts/core";
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { SVGRenderer } from "echarts/renderers";

use([BarChart, GridComponent, LineChart, SVGRenderer, TooltipComponent]);

export { init };
