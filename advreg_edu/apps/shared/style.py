"""The style of an app on the page: where its parts stand at each width, and the colours of the page it is in.

Widths are those of the app, not of the screen: in JupyterLab a list of files may stand beside it.
"""

STYLE = """<style>
.advreg-lab{container:advreg-lab/inline-size;width:100%;max-width:1560px}
.advreg-pictures{container:advreg-pictures/inline-size}
.advreg-areas.widget-box{display:grid;gap:4px 20px;grid-template-columns:minmax(0,1fr);align-items:start;
 overflow:hidden;grid-template-areas:"notice" "controls" "pictures" "curves"}
.advreg-areas>*{min-width:0}
.advreg-controls.widget-box{display:grid;gap:0 20px;align-items:start;
 grid-template-columns:repeat(auto-fit,minmax(min(280px,100%),1fr))}
.advreg-heading summary{font-size:14px;font-weight:600;line-height:22px;cursor:pointer}
.advreg-group:has(>.advreg-heading details:not([open]))>:not(.advreg-heading){display:none}
.advreg-gallery.widget-box,.advreg-grid{display:grid;gap:4px 12px;align-items:end;
 grid-template-columns:repeat(3,minmax(0,256px))}
.advreg-gallery .widget-html,.advreg-gallery .widget-html-content{display:contents}
.advreg-layers.widget-box{display:grid}
.advreg-layers>.widget-html{grid-area:1/1}
.advreg-bar.widget-box{display:grid;gap:0 20px;align-items:center;overflow:hidden;
 grid-template-columns:minmax(0,400px) minmax(0,360px) minmax(0,1fr);margin-bottom:2px}
.advreg-bar>:last-child{grid-column:1/-1}
.advreg-copy{cursor:copy;white-space:pre-wrap!important}
.advreg-pad figure:first-of-type img{cursor:crosshair;touch-action:none;-webkit-user-drag:none;user-select:none}
.advreg-pairs.widget-box{display:grid;gap:4px 16px;align-items:end;
 grid-template-columns:repeat(2,minmax(0,min(46%,310px)))}
.advreg-pairs .advreg-panel,.advreg-pairs .widget-html,.advreg-pairs .widget-html-content,.advreg-pairs .advreg-panels{
 display:contents!important}
.advreg-lab .noUi-origin,.advreg-lab .noUi-connect{will-change:auto}
.advreg-slider .widget-slider{position:relative;overflow:visible}
.advreg-slider input[type=number]{appearance:textfield;-moz-appearance:textfield;padding:0 2px 0 7px}
.advreg-slider input::-webkit-inner-spin-button{display:none}
.advreg-slider .widget-readout{display:none}
.advreg-slider:has(.noUi-active) .widget-readout{display:block;position:absolute;right:calc(100% + 5px);top:1px;
 width:57px;min-width:0;height:26px;line-height:26px;margin:0;padding:0 0 0 5px;box-sizing:border-box;text-align:left;
 background:var(--jp-layout-color1,Canvas);color:inherit;z-index:1}
.advreg-status.widget-box{align-items:flex-start;gap:8px}
.advreg-status summary{cursor:pointer;font-size:13px;line-height:20px;opacity:.8}
.advreg-status:not(:has(details[open])) .advreg-rest{position:absolute;width:1px;height:1px;overflow:hidden;
 clip-path:inset(50%);white-space:nowrap}
@container advreg-pictures (max-width:640px){.advreg-lab{--advreg-scaling:auto}
 .advreg-title{font-size:12px!important;line-height:15px!important;min-height:15px!important}
 .advreg-scale{font-size:12px!important;line-height:15px!important}}
@container advreg-pictures (max-width:330px){.advreg-gallery.widget-box,.advreg-grid{
 grid-template-columns:repeat(2,minmax(0,256px))!important}}
@container advreg-lab (min-width:620px){.advreg-areas.widget-box{
 grid-template-columns:minmax(280px,330px) minmax(0,1fr);grid-template-rows:auto auto 1fr;
 grid-template-areas:"notice notice" "controls pictures" "curves curves"}
 .advreg-areas.advreg-beside{grid-template-areas:"notice notice" "controls pictures" "controls curves"}}
@container advreg-lab (min-width:1120px){.advreg-areas.widget-box{grid-template-columns:minmax(280px,1fr) 792px}}
@container advreg-lab (min-width:1380px){.advreg-areas.widget-box{
 grid-template-areas:"notice notice" "controls pictures" "curves pictures"}}
.advreg-projector .advreg-notice,.advreg-projector .advreg-pictures,.advreg-projector .advreg-curves,
.advreg-projector .advreg-heading{zoom:1.4}
.advreg-projector .advreg-numbers{zoom:1.25}
.advreg-projector .advreg-title,.advreg-projector .advreg-scale{font-size:14px!important;line-height:20px!important}
.advreg-projector .advreg-controls.widget-box{grid-template-columns:auto}
.advreg-projector .advreg-gallery.widget-box,.advreg-projector .advreg-grid{
 grid-template-columns:repeat(3,minmax(0,min(256px,calc((100vh - 340px)/2.8 - 20px))))!important}
.advreg-projector .advreg-pairs.widget-box{grid-template-columns:repeat(3,minmax(0,310px))}
@container advreg-lab (min-width:620px){.advreg-projector .advreg-areas.widget-box{
 grid-template-columns:fit-content(360px) minmax(0,1fr);
 grid-template-areas:"notice notice" "controls pictures" "curves curves"}}
body[data-voila] .jp-Cell:not(:has(.advreg-app)),body[data-voila] .jp-OutputPrompt{display:none}
</style>"""
