"""The suspicions of the domain catalogue, and the subjects an alert about each is raised on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Typology:
    """One suspicion of the domain catalogue.

    Attributes:
        id: catalogue id, for example ``MON-BID-CV``.
        title: neutral name by language (``en``, ``zh``).
        grain: the grain its features are computed at.
        alerts_on: grains an alert may be about, best first; a row that rolls up to none of the
            coarser ones is alerted on itself, so nothing is dropped.
        family: typologies whose evidence is read together.
        context_only: raises other suspicions but is never an alert alone.
    """

    id: str
    title: dict[str, str]
    grain: str
    alerts_on: tuple[str, ...]
    family: str
    context_only: bool = False


# id | English | Chinese | grain | alerts on | family | context only
_TABLE = """
MON-STR-HHI|highly concentrated market|市场高度集中|market_y|market_y|MON-STR|1
MON-HHI-MERGER|merger raising concentration|经营者集中推高市场集中度|deal_market|deal|MON-STR|
MON-DOMINANCE-CN|presumed dominant position|推定市场支配地位|market_firm_y|market_firm_y|MON-STR|
MON-GATEKEEPER-DMA|gatekeeper thresholds met|达到守门人门槛|operator_y|operator_y|MON-STR|
MON-MERGER-THRESHOLD|notifiable deal not notified|应申报未申报的经营者集中|deal|deal|MON-STR|
MON-GUN-JUMPING|deal carried out before clearance|未获批准先行实施集中|deal|deal|MON-STR|
MON-KILLER-ACQ|purchase of a nascent rival|收购初创竞争者|deal|deal|MON-STR|
MON-SERIAL-ACQ|many small purchases in one market|同一市场连续小额收购|market_firm_y|market_firm_y|MON-STR|
MON-INTERLOCK|shared directors or owners among rivals|竞争者之间人员或股权交叉|pair_y|pair_y|MON-STR|
MON-BID-CV|bids unusually close together|投标报价异常集中|tender|group_y firm_y tender|MON-BID|
MON-BID-DISTANCE|winner isolated from cover bids|中标价与陪标价差距异常|tender|group_y firm_y tender|MON-BID|
MON-BID-SHAPE|lopsided bid distribution|报价分布形态异常|tender|group_y firm_y tender|MON-BID|
MON-BID-KS|bids unlike independent ones|报价偏离独立竞价分布|tender|group_y firm_y tender|MON-BID|
MON-BID-SUBGROUP|tight group of bidders inside a tender|部分投标人报价异常接近|tender|group_y firm_y tender|MON-BID|
MON-BID-MISSING|winning bids without close rivals|中标价附近缺少接近报价|category_y|category_y|MON-BID-MARKET|
MON-BID-IDENTICAL|identical or patterned bids|报价雷同或呈规律性差异|tender|group_y firm_y tender|MON-BID|
MON-BID-ROTATION|winning in turns|轮流中标|group_y|group_y|MON-BID-MARKET|
MON-BID-COVER|bidder that never means to win|长期陪标|firm_y|firm_y|MON-BID-MARKET|
MON-BID-COBID|closed circle of bidders|固定投标人圈子|group_y|group_y|MON-BID-MARKET|
MON-BID-ALLOC|markets or customers shared out|划分市场或客户|category_y|category_y|MON-BID-MARKET|
MON-BID-SINGLE|single bids where several are expected|应有竞争却仅一家投标|buyer_y|buyer_y|MON-BID-MARKET|
MON-BID-SUBCON|winner passing work to losing bidders|中标人向落标人分包|tender|tender|MON-BID-MARKET|
MON-BID-BENFORD|unusual digits in bids|报价数字分布异常|category_y|category_y|MON-BID-MARKET|1
MON-BID-DOCSIM|shared traces in bid documents|投标文件痕迹雷同|pair_tender|pair_tender|MON-BID-MARKET|
MON-BID-RESERVE|bids close to the ceiling|报价贴近最高限价|category_y|category_y|MON-BID-MARKET|
MON-PRICE-VARIANCE|prices unusually stable|价格异常稳定|sku_seller_q|sku_seller_q|MON-PRICE|
MON-PRICE-RIGIDITY|prices that ignore costs|价格不随成本变动|sku_seller_q|sku_seller_q|MON-PRICE|
MON-PRICE-LEADLAG|one seller's prices following another's|价格跟随|pair_q|pair_q|MON-PRICE|
MON-PRICE-PARALLEL|price changes in step|价格同步变动|pair_q|pair_q|MON-PRICE|
MON-PRICE-BREAK|unexplained price regime change|价格水平突变|sku_q|sku_q|MON-PRICE|
MON-ALGO-COMMON|rivals using one pricing tool|竞争者使用同一定价工具|market_q|market_q|MON-PRICE|
MON-RPM|resale prices held alike|固定转售价格|sku_m|sku_m|MON-PRICE|
MON-MFN|lowest price demanded by a platform|平台要求全网最低价|merchant_m|merchant_m|MON-PRICE|
MON-PREDATION|sales below cost|低于成本销售|sku_w|sku_w|MON-CONDUCT|
MON-FORCED-DISCOUNT|merchants pressed to sell below cost|强制商家低于成本销售|merchant_m|merchant_m|MON-CONDUCT|
MON-EXCESSIVE|unfairly high price|不公平高价|product_m|product_m|MON-CONDUCT|
MON-SQUEEZE|margin squeeze|利润挤压|product_m|product_m|MON-CONDUCT|
MON-PRICE-PERSONAL|different prices for different people|大数据杀熟|platform_m|platform_m|MON-CONDUCT|
MON-B2B-DISCRIM|unequal terms for equal partners|对同等交易相对人差别待遇|product_q|product_q|MON-CONDUCT|
MON-EXCLUSIVITY|merchants pressed to choose one platform|二选一|platform_m|platform_m|MON-CONDUCT|
MON-TYING|products tied together|搭售|product_pair_m|product_pair_m|MON-CONDUCT|
MON-SELFPREF|own products ranked higher|自我优待|platform_m|platform_m|MON-CONDUCT|
MON-DEMOTION|visibility cut after a conflict|降权报复|merchant_w|merchant_w|MON-CONDUCT|
MON-REFUSAL|rivals blocked or slowed|拒绝交易或封禁|platform_m|platform_m|MON-CONDUCT|
MON-LOYALTY|loyalty rebates below cost|忠诚折扣|customer_y|customer_y|MON-CONDUCT|
MON-FEES|unusual platform fees|平台收费异常|merchant_m|merchant_m|MON-CONDUCT|
MON-DATA-USE|merchants' data used to compete|利用商家数据竞争|category_y|category_y|MON-CONDUCT|
TRX-BRUSH|fake orders|刷单|merchant_d|merchant_d|TRX|
TRX-WASH-SCC|goods or money moving in circles|循环或对敲交易|cluster_m|cluster_m|TRX|
TRX-REVIEW-BURST|bursts of doubtful reviews|虚假评价集中出现|item_d|item_d|TRX|
TRX-ROUNDTRIP|money returning to its source|资金回流|path_m|path_m|TRX|
TRX-RELATED|off-market trade among related parties|关联交易偏离市价|pair_y|pair_y|TRX|
TRX-SPLIT|awards split below a limit|拆分规避限额|buyer_y|buyer_y|TRX|
TRX-FAKE-DISCOUNT|discount from an inflated price|虚构原价打折|sku_event|sku_event|TRX|
TRX-LATEPAY|late payment of small suppliers|拖欠中小企业账款|buyer_q|buyer_q|TRX|
TRX-AUTORENEW|subscriptions hard to leave|自动续费陷阱|platform_m|platform_m|TRX|
PRIV-OVERCOLLECT|more data asked than necessary|超范围收集个人信息|app_v|app_v|PRIV|
PRIV-UNDECLARED-COLLECTION|data collected but not declared|收集未声明的个人信息|app_data_type|app_v|PRIV|
PRIV-UNDECLARED-SHARING|data shared but not declared|未声明的信息共享|app_v|app_v|PRIV|
PRIV-PURPOSE-MISMATCH|data used for other purposes|实际用途与声明不符|app_v|app_v|PRIV|
PRIV-CONSENT-RATE|consent rate hard to believe|同意率异常|app_locale_m|app_locale_m|PRIV|
PRIV-FORCED-CONSENT|no service without consent|不同意即拒绝服务|app_m|app_m|PRIV|
PRIV-DARK-PATTERN|refusing made harder than accepting|拒绝比同意更难|app_m|app_m|PRIV|
PRIV-PRECONSENT|trackers before the choice|未经选择即追踪|app_v|app_v|PRIV|
PRIV-WITHDRAWAL|consent hard to withdraw|撤回同意困难|app_m|app_m|PRIV|
PRIV-PERMISSION-CREEP|new powers after an update|更新后新增敏感权限|app_v|app_v|PRIV|
PRIV-SDK-FANOUT|unusually many trackers|追踪组件过多|app_v|app_v|PRIV|
PRIV-RETENTION|data kept too long|超期保存个人信息|operator_type_q|operator_type_q|PRIV|
PRIV-BREACH-LATE|breach notified late|个人信息泄露通知迟延|incident|incident|PRIV|
PRIV-BREACH-UNDERREPORT|leaks seen outside, never notified|泄露未报告|operator_y|operator_y|PRIV|
PRIV-DSAR-DELAY|slow answers to individuals|个人请求答复迟延|operator_q|operator_q|PRIV|
PRIV-DSAR-REFUSAL|unusual refusals of requests|个人请求异常拒绝|operator_y|operator_y|PRIV|
PRIV-MINORS|children's data without safeguards|未成年人信息保护不足|operator_m|operator_m|PRIV|
PRIV-SENSITIVE|sensitive data without separate consent|敏感信息未获单独同意|app_v|app_v|PRIV|
PRIV-XBORDER|transfer abroad without mechanism|数据出境缺乏合法机制|operator_d|operator_d|PRIV|
PRIV-REID|release that can be re-identified|发布数据可重识别|dataset|dataset|PRIV|
PRIV-COMBINE|data combined across services|跨服务合并数据|service_pair_m|service_pair_m|PRIV|
PRIV-ADM-OPTOUT|opt-out without effect|关闭个性化无效|platform_m|platform_m|PRIV|
PRIV-COMPLAINT-SPIKE|sudden rise of complaints|投诉激增|operator_topic_w|operator_topic_w|PRIV|
PRIV-AUDIT-OVERDUE|governance duty overdue|合规义务逾期|operator_m|operator_m|PRIV|
DATA-RESTATEMENT|published figures changed later|已公布数据被更改|metric_cell|metric_cell|DATA|
DATA-RECONCILE|figures that do not agree|数据相互不符|operator_y|operator_y|DATA|
DATA-HEAPING|figures too round to be counted|数值异常取整|operator_y|operator_y|DATA|
DATA-MISSING|expected filing that did not come|应报未报|filing|filing|DATA|
PRIV-VENDOR-DRIFT|vendor widening its purposes|供应商扩大用途|vendor|vendor|PRIV|
"""


def _read(line: str) -> Typology:
    """One line of the table."""
    key, en, zh, grain, alerts_on, family, context = line.split("|")
    titles = {"en": en, "zh": zh}
    return Typology(key, titles, grain, tuple(alerts_on.split()), family, bool(context))


TYPOLOGIES: dict[str, Typology] = {
    typology.id: typology for typology in map(_read, _TABLE.strip().splitlines())
}
"""Every typology by id, in the order of the catalogue."""
