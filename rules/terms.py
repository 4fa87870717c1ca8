"""Codes of filings in the words of a reader: kinds of app, types of personal data, tables.

What is not known here is told as filed, with spaces for underscores.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

import polars as pl

from features.parameters.necessary_information import APP_TYPES, known_words

SEVERAL = "|"
"""Between the codes of a subject of several kinds."""

_DATA_ZH = {
    "phone": "手机号码", "payment_info": "支付信息", "recipient_name": "收货人姓名",
    "recipient_address": "收货地址", "recipient_phone": "收货电话", "sender_address": "寄件地址",
    "parcel_details": "物品信息", "precise_location": "精确位置", "coarse_location": "粗略位置",
    "origin_destination": "出发地与目的地", "trajectory": "行踪轨迹", "travel_details": "出行信息",
    "account_info": "账号信息", "contact_accounts": "联系人账号", "contacts_list": "通讯录",
    "contact_details": "联系方式", "real_name": "姓名", "id_document": "身份证件号码",
    "id_image": "证件影印件", "bank_card": "银行卡号", "bank_account": "银行账户",
    "payee_details": "收款人信息", "passenger_type": "乘客类型", "vehicle_plate": "车牌号",
    "vehicle_licence": "行驶证信息", "vehicle_vin": "车辆识别号", "driving_licence": "驾驶证信息",
    "sex": "性别", "age": "年龄", "marital_status": "婚姻状况", "resume": "个人简历",
    "property_details": "房产信息", "medical_visit": "就诊信息", "health_condition": "健康状况",
    "session_seat": "场次座位", "device_id": "设备标识", "advertising_id": "广告标识",
    "ip_address": "网络地址", "installed_apps": "应用列表", "sms": "短信", "call_log": "通话记录",
    "calendar": "日历", "photos": "照片", "microphone_audio": "录音", "clipboard": "剪贴板",
    "browsing_history": "浏览记录", "biometric": "生物识别信息", "religion": "宗教信仰",
    "sexual_orientation": "性取向", "ethnicity": "民族种族", "political_opinion": "政治观点",
}  # fmt: skip
_TABLES_ZH = {
    "metric_filings": "数据指标申报", "market_positions": "市场份额申报", "apps": "应用登记",
    "data_declarations": "数据声明", "breach_notifications": "事件报告",
    "consent_metrics": "同意弹窗统计", "compliance_events": "合规事项", "fees": "收费申报",
    "subscriptions": "订阅统计", "minor_metrics": "未成年人统计", "dsar_requests": "个人请求记录",
}  # fmt: skip

_LISTS: Mapping[Literal["en", "zh"], str] = {"en": ", ", "zh": "、"}


@cache
def chinese(attribute: str) -> dict[str, str]:
    """Chinese words by code of an attribute; empty for one that holds no codes."""
    if attribute == "app_type":
        return {kind.code: kind.zh for kind in APP_TYPES}
    if attribute == "data_type":
        return {word: _DATA_ZH[ours] for word, ours in known_words().items() if ours in _DATA_ZH}
    if attribute == "filing":
        return dict(_TABLES_ZH)
    return {}


def told(value: pl.Expr, attribute: str, language: Literal["en", "zh"]) -> pl.Expr:
    """The text of an attribute as a reader knows it; ids and free text stay as they are."""
    text = value.cast(pl.String)
    words = chinese(attribute)
    if not words:
        return text
    one = pl.element().str.strip_chars()
    plain = one.str.replace_all("_", " ", literal=True)
    if language == "zh":
        plain = one.str.to_lowercase().replace_strict(
            list(words), list(words.values()), default=plain, return_dtype=pl.String
        )
    return text.str.split(SEVERAL).list.eval(plain).list.join(_LISTS[language])
